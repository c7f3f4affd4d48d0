"""The background door: every feature's tasks on this service's broker, its sweeps, and its notification listeners."""

from expert.access import tasks as access
from expert.base import task
from expert.deps import NAMESPACE, open_work
from expert.jobs import tasks as jobs
from expert.resources import tasks as resources
from expert.results import tasks as results
from expert.results.listen import listen_for_results
from expert.settings import ExpertSettings
from expert.uploads import tasks as uploads
from trapper_kit.broker import TaskProcess, make_broker
from trapper_kit.cron import run_sweeps

__all__ = ["BOOK", "run_tasks"]

BOOK = task

FEATURES = (access, jobs, resources, results, uploads)
"""Importing them notes their tasks in the book."""


async def run_tasks(settings: ExpertSettings) -> None:
    """Work on messages and sweeps until SIGTERM; without Redis on sweeps alone."""
    async with open_work(settings) as work:
        intervals = settings.intervals
        broker = (
            make_broker(
                settings.redis_url.get_secret_value(),
                namespace=NAMESPACE,
                redelivery=intervals.redelivery,
                max_backoff=intervals.max_backoff,
            )
            if settings.redis_url
            else None
        )
        process = TaskProcess(BOOK, broker, work, service="expert", threads=settings.task_threads)
        sweeps = run_sweeps(BOOK, work, work.database, service="expert", settings=settings)
        await process.run(sweeps, listen_for_results(work))
