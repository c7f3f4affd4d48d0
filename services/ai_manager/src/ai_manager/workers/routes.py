"""Workers: enrol, list, read, instruct, revoke."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Response

from ai_manager.access.guards import MayManageFleet, MayOperate, check_protocol
from ai_manager.deps import Db, Now, WorkDep
from ai_manager.workers import queries
from ai_manager.workers.build_reply import build_replies
from ai_manager.workers.enrol import enrol_worker
from ai_manager.workers.errors import EnrolmentRefused, RuntimeNotAllowed, WorkerNotFound
from ai_manager.workers.guards import MayEnrol
from ai_manager.workers.instruct import instruct_workers
from ai_manager.workers.revoke import revoke_worker
from ai_manager.workers.state import Order
from trapper_kit.paging import PageRequest, split
from trapper_kit.web.bodies import PUBLIC_BYTES, body_limit
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, Ids, Limit, Name
from trapper_schemas.paging import Page
from trapper_schemas.v1.workers import Enrolment, EnrolmentReply, InstructedWorkers, WorkerReply

router = APIRouter(prefix="/api/workers", tags=["workers"])


@router.post("/", status_code=201, responses=problems(EnrolmentRefused, RuntimeNotAllowed))
@body_limit(PUBLIC_BYTES)  # the enrolment token is looked up when it is spent
async def enrol(body: Enrolment, token_hash: MayEnrol, db: Db, now: Now, work: WorkDep) -> EnrolmentReply:
    """Enrol a worker with an enrolment token; the credential is shown once."""
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
        intervals=work.worker_intervals,
    )


@router.get("/")
async def list_workers(
    _caller: MayManageFleet,
    db: Db,
    work: WorkDep,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    name: Name = None,
) -> Page[WorkerReply]:
    """List the workers: state, devices, speed, batches held and lost."""
    page_request = PageRequest.of(limit, cursor, {"id": id, "name": name})
    rows, next_cursor = split(
        await queries.list_workers(db, page_request, ids=id, name=name), page_request, lambda row: [row.id]
    )
    return Page(items=await build_replies(db, rows, alive_seconds=work.intervals.alive), next_cursor=next_cursor)


@router.get("/{worker_id}/", responses=problems(WorkerNotFound))
async def show_worker(worker_id: UUID, _caller: MayManageFleet, db: Db, work: WorkDep) -> WorkerReply:
    """Read one worker, also a revoked one."""
    worker = await queries.find(db, worker_id)
    if worker is None:
        raise WorkerNotFound(worker_id=str(worker_id))
    return (await build_replies(db, [worker], alive_seconds=work.intervals.alive))[0]


@router.post("/{worker_id}/revoke/", status_code=204, responses=problems(WorkerNotFound))
async def revoke(worker_id: UUID, _caller: MayOperate, db: Db, now: Now) -> Response:
    """Revoke a worker: end its credentials now; its batches are handed out again."""
    await revoke_worker(db, worker_id, now=now)
    return Response(status_code=204)


@router.post("/pause/")
async def pause_all(_caller: MayManageFleet, db: Db) -> InstructedWorkers:
    """Pause every worker: it finishes what it holds and takes nothing new."""
    return InstructedWorkers(workers=await instruct_workers(db, Order.PAUSE))


@router.post("/resume/")
async def resume_all(_caller: MayManageFleet, db: Db) -> InstructedWorkers:
    """Resume every worker."""
    return InstructedWorkers(workers=await instruct_workers(db, Order.RESUME))


@router.post("/drain/")
async def drain_all(_caller: MayManageFleet, db: Db) -> InstructedWorkers:
    """Drain every worker: it finishes what it holds, and leaves."""
    return InstructedWorkers(workers=await instruct_workers(db, Order.DRAIN))


@router.post("/{worker_id}/pause/", responses=problems(WorkerNotFound))
async def pause(worker_id: UUID, _caller: MayManageFleet, db: Db) -> InstructedWorkers:
    """Pause one worker: it finishes what it holds and takes nothing new."""
    return InstructedWorkers(workers=await instruct_workers(db, Order.PAUSE, worker_id))


@router.post("/{worker_id}/resume/", responses=problems(WorkerNotFound))
async def resume(worker_id: UUID, _caller: MayManageFleet, db: Db) -> InstructedWorkers:
    """Resume one worker."""
    return InstructedWorkers(workers=await instruct_workers(db, Order.RESUME, worker_id))


@router.post("/{worker_id}/drain/", responses=problems(WorkerNotFound))
async def drain(worker_id: UUID, _caller: MayManageFleet, db: Db) -> InstructedWorkers:
    """Drain one worker: it finishes what it holds, and leaves."""
    return InstructedWorkers(workers=await instruct_workers(db, Order.DRAIN, worker_id))
