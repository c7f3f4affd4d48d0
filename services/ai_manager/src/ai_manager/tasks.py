"""The background door: the only importer of feature tasks; runs messages, and every sweep by itself."""

from types import ModuleType

from ai_manager.base import task
from ai_manager.batches import tasks as batches
from ai_manager.deps import NAMESPACE, Work
from ai_manager.jobs import tasks as jobs
from ai_manager.results import tasks as results
from ai_manager.settings import Settings
from trapper_kit.broker import TaskProcess, make_broker
from trapper_kit.cron import run_sweeps

FEATURES: tuple[ModuleType, ...] = (batches, jobs, results)
"""Importing them has noted their tasks in the book."""
BOOK = task


async def run_tasks(settings: Settings) -> None:
    """Until SIGTERM; without a queue the sweeps alone do the work, one interval later."""
    work = Work.open(settings)
    broker = None
    if settings.redis_url is not None:
        broker = make_broker(
            settings.redis_url.get_secret_value(),
            namespace=NAMESPACE,
            redelivery=settings.intervals.redelivery,
            max_backoff=settings.intervals.max_backoff,
        )
    process = TaskProcess(BOOK, broker, work, service="ai_manager", threads=settings.task_threads)
    try:
        await process.run(run_sweeps(BOOK, work, work.database, service="ai_manager", settings=settings))
    finally:
        await work.close()
