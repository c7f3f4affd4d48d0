"""A machine becomes a worker."""

from datetime import timedelta

from fastapi import APIRouter

from ai_manager.deps import Db, Now, WorkDep
from ai_manager.workers.enrol import enrol_worker
from ai_manager.workers.errors import EnrolmentRefused, RuntimeNotAllowed
from ai_manager.workers.guards import MayEnrol
from trapper_kit.problems import Unauthenticated
from trapper_kit.web.app import problems
from trapper_schemas.v1.workers import Enrolment, EnrolmentReply

router = APIRouter(prefix="/api/workers", tags=["workers"], responses=problems(Unauthenticated))


@router.post("/", status_code=201, responses=problems(EnrolmentRefused, RuntimeNotAllowed))
async def enrol(body: Enrolment, token_hash: MayEnrol, db: Db, now: Now, work: WorkDep) -> EnrolmentReply:
    """Spend one use of an enrolment token (the bearer token); the credential is shown once."""
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
