"""The task process: runs task messages and sweeps; the only importer of the features' tasks."""

from types import ModuleType

from ai_manager.base import task
from ai_manager.batches import tasks as batches
from ai_manager.deps import NAMESPACE, Work
from ai_manager.jobs import tasks as jobs
from ai_manager.results import tasks as results
from ai_manager.settings import Settings
from trapper_kit.parts import LEAVE_SECONDS, stop_on_signals
from trapper_kit.task_process import TaskProcess

FEATURES: tuple[ModuleType, ...] = (batches, jobs, results)
"""Importing them has noted their tasks in the book."""
BOOK = task


async def run_tasks(settings: Settings) -> bool:
    """Runs until SIGTERM, without Redis on sweeps alone; returns False when a part ended before."""
    work = Work.open(settings)
    try:
        process = TaskProcess(BOOK, work, service="ai_manager", namespace=NAMESPACE)
        stop_on_signals(process.stopping)
        return await process.run(leave_seconds=LEAVE_SECONDS)
    finally:
        await work.close()
