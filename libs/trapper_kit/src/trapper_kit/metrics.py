"""Counters of every service and their page, with values that are measured at each scrape."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

REQUESTS = Counter("trapper_requests_total", "HTTP requests", ["service", "operation", "status"])
REQUEST_SECONDS = Histogram("trapper_request_seconds", "HTTP request time", ["service", "operation"])
TASKS = Counter("trapper_tasks_total", "Actors, sweeps and loop steps", ["service", "task", "outcome"])
MESSAGES = Counter(
    "trapper_messages_total", "Task messages and notifications: sent, failed, dropped", ["to", "outcome"]
)


@dataclass(frozen=True)
class Sample:
    """One line of a metric."""

    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True)
class Family:
    """A metric that is read from the database at each scrape; a counter's name ends in `_total`."""

    name: str
    text: str
    labels: tuple[str, ...]
    samples: Sequence[Sample]
    counter: bool = False


def page(measured: Iterable[Family] = ()) -> tuple[bytes, str]:
    """Returns the text of /metrics and its media type."""
    families = list(measured)
    more = generate_latest(_Once(families)) if families else b""
    return generate_latest() + more, CONTENT_TYPE_LATEST


class _Once(CollectorRegistry):
    """A registry of one page."""

    def __init__(self, families: Iterable[Family]) -> None:
        super().__init__(auto_describe=False)
        self._families = families

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        for family in self._families:
            kind = CounterMetricFamily if family.counter else GaugeMetricFamily
            metric = kind(family.name, family.text, labels=family.labels)
            for sample in family.samples:
                metric.add_metric(sample.labels, sample.value)
            yield metric
