"""The counters that every service has, and their page."""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

REQUESTS = Counter("trapper_requests_total", "HTTP requests", ["service", "operation", "status"])
REQUEST_SECONDS = Histogram("trapper_request_seconds", "HTTP request time", ["service", "operation"])
TASKS = Counter("trapper_tasks_total", "Actors, sweeps and loop steps", ["service", "task", "outcome"])


def page() -> tuple[bytes, str]:
    """The text of /metrics and its media type."""
    return generate_latest(), CONTENT_TYPE_LATEST
