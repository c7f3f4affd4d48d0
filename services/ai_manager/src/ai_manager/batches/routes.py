"""Workers claim and give back."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response

from ai_manager.access.guards import MayWork
from ai_manager.batches.claim import Ask, Claimed, claim_batches
from ai_manager.batches.errors import BatchNotFound, JobCancelled, LeaseLost, RuntimeNotYours
from ai_manager.batches.models import Batch
from ai_manager.batches.pack import unpack
from ai_manager.batches.release import release_batch
from ai_manager.catalog.queries import key_of
from ai_manager.deps import WorkDep
from trapper_kit.problems import Forbidden, Unauthenticated
from trapper_kit.web.app import problems
from trapper_schemas.v1.batches import BatchLease, ClaimReply, ClaimRequest, Release, StageSpec
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelEntry

router = APIRouter(prefix="/api/resource_batches", tags=["batches"], responses=problems(Unauthenticated, Forbidden))
MAX_OFFLINE_SECONDS = 366 * 24 * 3600.0
"""More cannot be meant; the settings allow far less."""


@router.post("/claim/", responses=problems(RuntimeNotYours))
async def claim(body: ClaimRequest, caller: MayWork, work: WorkDep, request: Request) -> ClaimReply:
    """Up to n batches that this worker can run, each with `expires_in_seconds`; waits while there are none."""
    ask = Ask(
        caller.worker_id,
        body.runtime,
        body.limit,
        body.loaded,
        body.on_disk,
        body.allow_unpinned,
        body.memory_bytes,
        None if body.offline_seconds is None else timedelta(seconds=min(body.offline_seconds, MAX_OFFLINE_SECONDS)),
        caller.expires_at,
    )
    wait, lease = timedelta(seconds=body.wait_seconds), timedelta(seconds=work.intervals.lease)
    claimed = await claim_batches(work, ask, wait=wait, lease=lease, gone=request.is_disconnected)
    return ClaimReply(
        batches=[_lease(batch, claimed, claimed.lease) for batch in claimed.batches], intervals=work.told_intervals
    )


def _lease(batch: Batch, claimed: Claimed, lease: timedelta) -> BatchLease:
    terms = claimed.terms[batch.job_id]
    stages = [Stage.model_validate(stage) for stage in terms.stages]
    return BatchLease(
        batch_id=batch.id,
        job_id=batch.job_id,
        attempt=batch.attempt,
        token=batch.lease_token or "",
        expires_in_seconds=lease.total_seconds(),
        stages=[
            StageSpec(stage=stage, model=ModelEntry.model_validate(claimed.models[key_of(stage.model)].entry))
            for stage in stages
        ],
        resources=unpack(batch.resources),
        media_grant=terms.media_grant,
        media_origins=terms.media_origins,
    )


@router.post("/{batch_id}/release/", status_code=204, responses=problems(BatchNotFound, LeaseLost, JobCancelled))
async def release(batch_id: UUID, body: Release, caller: MayWork, work: WorkDep) -> Response:
    """Give a batch back unfinished."""
    await release_batch(
        work,
        batch_id,
        worker_id=caller.worker_id,
        token=body.token,
        reason=body.reason,
        message=body.message,
    )
    return Response(status_code=204)
