"""The task process: every feature's tasks on this service's broker, its sweeps, and its notification listeners."""

from expert.access import tasks as access
from expert.base import task
from expert.deps import NAMESPACE, open_work
from expert.jobs import tasks as jobs
from expert.operations import tasks as operations
from expert.outputs import tasks as outputs
from expert.postprocessing import tasks as postprocessing
from expert.providers import tasks as providers
from expert.resources import tasks as resources
from expert.results import tasks as results
from expert.results.listen import listen_for_results
from expert.sequences import tasks as sequences
from expert.settings import ExpertSettings
from expert.statistics import tasks as statistics
from expert.taxa import tasks as taxa
from expert.unresolved_labels import tasks as unresolved_labels
from expert.uploads import tasks as uploads
from trapper_kit.parts import LEAVE_SECONDS, stop_on_signals
from trapper_kit.task_process import TaskProcess

__all__ = ["BOOK", "run_tasks"]

BOOK = task

FEATURES = (
    access, jobs, operations, outputs, postprocessing, providers, resources, results, sequences, statistics, taxa,
    unresolved_labels, uploads,
)  # fmt: skip
"""Importing them notes their tasks in the book."""


async def run_tasks(settings: ExpertSettings) -> bool:
    """Work on messages and sweeps until SIGTERM, without Redis on sweeps alone; False when a part ended before."""
    async with open_work(settings) as work:
        process = TaskProcess(BOOK, work, service="expert", namespace=NAMESPACE)
        stop_on_signals(process.stopping)
        return await process.run({"notifications": listen_for_results(work)}, leave_seconds=LEAVE_SECONDS)
