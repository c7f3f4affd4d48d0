"""The fleet, for those who administer the site."""

from uuid import UUID

from fastapi import APIRouter, status

from expert.access.guards import MayAdministerSite
from expert.deps import Work
from expert.fleet.errors import WorkerNotInstructed
from expert.fleet.inspect_tasks import inspect_tasks, replay_dead_tasks
from expert.fleet.instruct_worker import instruct_worker
from expert.fleet.read_fleet import ManagerFleet, read_fleet
from expert.fleet.schemas import FleetReply, ManagerFleetReply, ReplayedTasks, TaskQueueReply
from expert.fleet.state import WorkerOrder
from trapper_kit.logs import log
from trapper_kit.problems import NotFound, Unavailable
from trapper_kit.redis_client import UNREACHABLE
from trapper_kit.web.describe import problems

router = APIRouter(prefix="/api/fleet", tags=["fleet"])


def _manager(fleet: ManagerFleet) -> ManagerFleetReply:
    return ManagerFleetReply(
        connection_id=fleet.connection.id,
        name=fleet.connection.name,
        workers=fleet.workers,
        queues=fleet.queues,
        problem=fleet.problem,
    )


@router.get("/")
async def read(_caller: MayAdministerSite, work: Work) -> FleetReply:
    """Read the workers and queues of every connected Manager, and the task queue with its dead letters."""
    managers = [_manager(fleet) for fleet in await read_fleet(work)]
    try:
        tasks = await inspect_tasks(work)
    except UNREACHABLE as problem:
        log("fleet.queue_away", error=problem)
        tasks = None
    return FleetReply(
        managers=managers, tasks=TaskQueueReply.model_validate(tasks, from_attributes=True) if tasks else None
    )


@router.post(
    "/managers/{connection_id}/workers/{worker_id}/{order}/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, WorkerNotInstructed),
)
async def instruct(
    connection_id: UUID, worker_id: UUID, order: WorkerOrder, caller: MayAdministerSite, work: Work
) -> None:
    """Pause, resume or drain a worker; it learns it with its next heartbeat."""
    await instruct_worker(work, connection_id, worker_id, order, by=caller.id)


@router.post("/tasks/replay/", responses=problems(Unavailable))
async def replay(_caller: MayAdministerSite, work: Work) -> ReplayedTasks:
    """Replay dead letters: put the latest 200 back into the task queue."""
    try:
        return ReplayedTasks(replayed=await replay_dead_tasks(work))
    except UNREACHABLE as problem:
        raise Unavailable("the task queue does not answer; nothing is lost, try again") from problem
