"""Workers claim and give back."""

import asyncio
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response

from ai_manager.access.guards import MayWork
from ai_manager.base import MAX_BIGINT
from ai_manager.batches.claim import Ask, claim_batches
from ai_manager.batches.errors import BatchNotFound, JobCancelled, LeaseLost, RuntimeNotYours
from ai_manager.batches.make_lease_context import lease_json
from ai_manager.batches.pack import squeeze
from ai_manager.batches.release import release_batch
from ai_manager.deps import WorkDep
from ai_manager.workers.errors import WorkerNotFound
from trapper_kit.web.describe import problems
from trapper_schemas.v1.batches import BatchRelease, ClaimReply, ClaimRequest

router = APIRouter(prefix="/api/resource_batches", tags=["batches"])
MAX_OFFLINE_SECONDS = 366 * 24 * 3600.0
"""More cannot be meant; the settings allow far less."""
SHORT_BYTES = 64 * 1024
"""What is not longer goes as it is. A model of thousands of species has more than half a megabyte of labels."""


@router.post("/claim/", responses=problems(WorkerNotFound, RuntimeNotYours), response_model=ClaimReply)
async def claim(body: ClaimRequest, caller: MayWork, work: WorkDep, request: Request) -> Response:
    """Lease up to n batches that this worker can run; waits while there are none."""
    ask = Ask(
        caller.worker_id,
        body.runtime,
        body.limit,
        body.loaded,
        body.on_disk,
        body.allow_unpinned,
        None if body.memory_bytes is None else min(body.memory_bytes, MAX_BIGINT),
        None if body.offline_seconds is None else timedelta(seconds=min(body.offline_seconds, MAX_OFFLINE_SECONDS)),
        caller.expires_at,
    )
    wait, lease = timedelta(seconds=body.wait_seconds), timedelta(seconds=work.intervals.lease)
    claimed = await claim_batches(work, ask, wait=wait, lease=lease, gone=request.is_disconnected)
    leases = b",".join(lease_json(batch, context, claimed.lease) for batch, context in claimed.batches)
    intervals = work.worker_intervals.model_dump_json().encode()
    reply = b'{"batches":[%s],"intervals":%s}' % (leases, intervals)
    if len(reply) <= SHORT_BYTES or not _takes_zstd(request):
        return Response(reply, media_type="application/json")
    squeezed = await asyncio.to_thread(squeeze, reply)
    return Response(squeezed, media_type="application/json", headers={"Content-Encoding": "zstd"})


def _takes_zstd(request: Request) -> bool:
    codings = request.headers.get("Accept-Encoding", "").replace(" ", "").split(",")
    return any(coding == "zstd" or (coding.startswith("zstd;q=") and coding[7:].strip("0.")) for coding in codings)


@router.post("/{batch_id}/release/", status_code=204, responses=problems(BatchNotFound, LeaseLost, JobCancelled))
async def release(batch_id: UUID, body: BatchRelease, caller: MayWork, work: WorkDep) -> Response:
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
