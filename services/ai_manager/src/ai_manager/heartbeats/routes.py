"""The one call with which a worker stays alive."""

from uuid import UUID

from fastapi import APIRouter

from ai_manager.access.guards import MayWorkAsThis
from ai_manager.deps import WorkDep
from ai_manager.heartbeats.beat import take_heartbeat
from ai_manager.workers.errors import WorkerNotFound
from trapper_kit.web.describe import problems
from trapper_schemas.v1.workers import Heartbeat, HeartbeatReply

router = APIRouter(prefix="/api/workers", tags=["heartbeats"])


@router.post("/{worker_id}/heartbeat/", responses=problems(WorkerNotFound))
async def beat(
    worker_id: UUID,  # noqa: ARG001 - the guard compares it with the credential's
    body: Heartbeat,
    caller: MayWorkAsThis,
    work: WorkDep,
) -> HeartbeatReply:
    """Report that a worker lives, renew its leases; there is no other renewal.

    With `complete` the leases named are all that the worker has, and no claim of its own is under way: every other
    batch leased to it waits again, at no loss. The worker sends no claim before such a heartbeat is answered.
    Heartbeats are numbered: a repeated `complete`, or one that arrives after a newer heartbeat, takes nothing back. A
    new `credential` comes well before the old one ends; the old one is good for a day after the first use of the new
    one, so a lost reply costs nothing.
    """
    return await take_heartbeat(work, body, caller=caller)
