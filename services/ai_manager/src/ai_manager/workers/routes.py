"""A machine becomes a worker; operators tell it what to do, or send it away."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Response

from ai_manager.access.errors import EVERYWHERE
from ai_manager.access.guards import MayOperate, check_protocol
from ai_manager.deps import Db, Now, WorkDep
from ai_manager.workers.enrol import enrol_worker
from ai_manager.workers.errors import EnrolmentRefused, RuntimeNotAllowed, WorkerNotFound
from ai_manager.workers.guards import MayEnrol
from ai_manager.workers.instruct import instruct_workers
from ai_manager.workers.revoke import revoke_worker
from ai_manager.workers.state import Order
from trapper_kit.problems import Unauthenticated
from trapper_kit.web.app import problems
from trapper_kit.web.bodies import PUBLIC_BYTES, body_limit
from trapper_schemas.v1.workers import Enrolment, EnrolmentReply, Told

router = APIRouter(prefix="/api/workers", tags=["workers"], responses=problems(*EVERYWHERE))


@router.post("/", status_code=201, responses=problems(Unauthenticated, EnrolmentRefused, RuntimeNotAllowed))
@body_limit(PUBLIC_BYTES)  # the enrolment token is looked up when it is spent
async def enrol(body: Enrolment, token_hash: MayEnrol, db: Db, now: Now, work: WorkDep) -> EnrolmentReply:
    """Spend one use of an enrolment token (the bearer token); the credential is shown once."""
    check_protocol(*body.protocols)
    enrolled = await enrol_worker(
        db,
        token_hash=token_hash,
        who=body,
        now=now,
        credential_lifetime=timedelta(days=work.settings.credential_days),
        hash_token=work.hash_token,
    )
    return EnrolmentReply(
        worker_id=enrolled.worker.id,
        credential=enrolled.credential,
        credential_expires_at=enrolled.expires_at,
        runtimes=enrolled.worker.runtimes,
        intervals=work.told_intervals,
    )


@router.post("/{worker_id}/revoke/", status_code=204, responses=problems(WorkerNotFound))
async def revoke(worker_id: UUID, _caller: MayOperate, db: Db, now: Now) -> Response:
    """End its credentials now; its batches are handed out again."""
    await revoke_worker(db, worker_id, now=now)
    return Response(status_code=204)


@router.post("/pause/")
async def pause_all(_caller: MayOperate, db: Db) -> Told:
    """Every worker finishes what it holds and takes nothing new, until it is resumed."""
    return Told(workers=await instruct_workers(db, Order.PAUSE))


@router.post("/resume/")
async def resume_all(_caller: MayOperate, db: Db) -> Told:
    """Take every pause, and every drain that has not ended yet, back."""
    return Told(workers=await instruct_workers(db, Order.RESUME))


@router.post("/drain/")
async def drain_all(_caller: MayOperate, db: Db) -> Told:
    """Every worker finishes what it holds, and leaves."""
    return Told(workers=await instruct_workers(db, Order.DRAIN))


@router.post("/{worker_id}/pause/", responses=problems(WorkerNotFound))
async def pause(worker_id: UUID, _caller: MayOperate, db: Db) -> Told:
    """It finishes what it holds and takes nothing new, until it is resumed."""
    return Told(workers=await instruct_workers(db, Order.PAUSE, worker_id))


@router.post("/{worker_id}/resume/", responses=problems(WorkerNotFound))
async def resume(worker_id: UUID, _caller: MayOperate, db: Db) -> Told:
    """Take its pause, or a drain that has not ended yet, back."""
    return Told(workers=await instruct_workers(db, Order.RESUME, worker_id))


@router.post("/{worker_id}/drain/", responses=problems(WorkerNotFound))
async def drain(worker_id: UUID, _caller: MayOperate, db: Db) -> Told:
    """It finishes what it holds, and leaves."""
    return Told(workers=await instruct_workers(db, Order.DRAIN, worker_id))
