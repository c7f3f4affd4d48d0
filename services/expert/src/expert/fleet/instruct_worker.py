"""Tells a worker to pause, to go on, or to finish what it holds and leave."""

from uuid import UUID

from expert.deps import ExpertWork
from expert.fleet.errors import WorkerNotInstructed
from expert.fleet.read_fleet import NO_SCOPE
from expert.fleet.state import WorkerOrder
from expert.providers import queries
from expert.providers.open_connection import open_connection
from trapper_kit.logs import log
from trapper_kit.problems import Forbidden, NotFound, Problem


async def instruct_worker(
    work: ExpertWork, connection_id: UUID, worker_id: UUID, order: WorkerOrder, *, by: UUID | None
) -> None:
    """Passes the order on to the worker's Manager; repeating changes nothing."""
    async with work.db() as db:
        connection = next((row for row in await queries.active_connections(db) if row.id == connection_id), None)
    if connection is None:
        raise NotFound("there is no such connection")
    try:
        await open_connection(work, connection).instruct_worker(worker_id, order.value)
    except Forbidden as problem:
        raise WorkerNotInstructed(NO_SCOPE) from problem
    except Problem as problem:
        raise WorkerNotInstructed(problem.detail or problem.title) from problem
    log("fleet.instructed", connection=connection_id, worker=worker_id, order=order.value, by=by)
