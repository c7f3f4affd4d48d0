"""The one call with which a worker stays alive."""

from uuid import UUID

from fastapi import APIRouter

from ai_manager.access.guards import MayWorkAsThis
from ai_manager.deps import Db, Now, WorkDep
from ai_manager.heartbeats.beat import take_heartbeat
from ai_manager.workers.errors import WorkerNotFound
from trapper_kit.problems import Forbidden, Unauthenticated
from trapper_kit.web.app import problems
from trapper_schemas.v1.workers import Heartbeat, HeartbeatReply

router = APIRouter(prefix="/api/workers", tags=["heartbeats"], responses=problems(Unauthenticated, Forbidden))


@router.post("/{worker_id}/heartbeat/", responses=problems(WorkerNotFound))
async def beat(
    worker_id: UUID, body: Heartbeat, caller: MayWorkAsThis, db: Db, now: Now, work: WorkDep
) -> HeartbeatReply:
    """Renew leases and hear of cancellations; there is no other renewal."""
    return await take_heartbeat(work, db, worker_id, body, credential_left=caller.expires_at - now)
