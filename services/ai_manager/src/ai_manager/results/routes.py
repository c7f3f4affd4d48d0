"""A worker saves a batch; the Expert lists what is closed, reads a blob, acknowledges."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from ai_manager.access.guards import MaySubmit, MayWork
from ai_manager.batches.errors import BatchNotFound, JobCancelled, LeaseLost
from ai_manager.blob_store import results_key
from ai_manager.deps import Db, Now, WorkDep
from ai_manager.jobs import queries as jobs
from ai_manager.jobs.errors import JobNotFound
from ai_manager.results import queries
from ai_manager.results.acknowledge import acknowledge_results
from ai_manager.results.errors import BlobRefused, ResultsNotFound
from ai_manager.results.models import ResourceFailure as FailureRow
from ai_manager.results.models import SavedResult
from ai_manager.results.save_results import Brought, save_results
from trapper_kit.objects import ObjectMissing
from trapper_kit.paging import PageRequest, split
from trapper_kit.web.app import read_body
from trapper_kit.web.describe import binary, problems
from trapper_kit.web.params import ContentSha256, Cursor, LeaseToken, Limit
from trapper_schemas.codec import MEDIA_TYPE
from trapper_schemas.paging import Page
from trapper_schemas.v1.batches import SavedBatch
from trapper_schemas.v1.jobs import ClosedBatch, ClosedBatches, ResourceFailure
from trapper_schemas.v1.results import FailureCode

router = APIRouter(prefix="/api", tags=["results"])


@router.post(
    "/resource_batches/{batch_id}/save_results/",
    responses=problems(BatchNotFound, LeaseLost, JobCancelled, BlobRefused),
    openapi_extra={"requestBody": {"required": True, **binary()}},
    response_model=SavedBatch,
)
async def save(
    batch_id: UUID,
    request: Request,
    caller: MayWork,
    work: WorkDep,
    token: LeaseToken,
    sha256: ContentSha256,
) -> Response:
    """Save the results of a batch; the very same bytes again are answered as a duplicate."""
    body = b"".join([chunk async for chunk in read_body(request, at_most=work.settings.results_limit_bytes)])
    finished = await save_results(work, Brought(batch_id, caller.worker_id, token, sha256, body))
    saved = SavedBatch(batch_id=batch_id, sha256=sha256, duplicate=finished is None)
    return Response(saved.model_dump_json(), media_type="application/json")


@router.get("/prediction_jobs/{job_id}/results/", responses=problems(JobNotFound))
async def list_closed(
    job_id: UUID,
    caller: MaySubmit,
    db: Db,
    include: Annotated[Literal["acknowledged"] | None, Query(description="also those that were fetched")] = None,
    after: Annotated[UUID | None, Query(description="with `include`: the last batch id of the page before")] = None,
) -> ClosedBatches:
    """List the oldest hundred closed batches of a job that nobody acknowledged; they finish out of order."""
    if await jobs.get(db, job_id, caller.sees) is None:
        raise JobNotFound(job_id=str(job_id))
    rows = await (queries.unacknowledged(db, job_id) if include is None else queries.kept(db, job_id, after))
    return ClosedBatches(items=[_closed(row) for row in rows])


def _closed(row: SavedResult) -> ClosedBatch:
    return ClosedBatch(
        batch_id=row.batch_id,
        job_id=row.job_id,
        state="exhausted" if row.exhausted else "done",
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        closed_at=row.closed_at,
    )


@router.get(
    "/resource_batches/{batch_id}/results/",
    response_class=StreamingResponse,
    responses={**problems(ResultsNotFound), 200: binary()},
)
async def read_blob(batch_id: UUID, caller: MaySubmit, work: WorkDep) -> Response:
    """Download the results of a batch; an exhausted batch has one of failures."""
    async with work.db() as db:
        row = await queries.get(db, batch_id, caller.sees)
        blob = await queries.blob_of(db, batch_id) if row is not None else None
    if row is None:
        raise ResultsNotFound(batch_id=str(batch_id))
    headers = {"Content-Sha256": row.sha256, "Content-Length": str(row.size_bytes)}
    if blob is not None:
        return Response(blob, headers=headers, media_type=MEDIA_TYPE)
    gone = ResultsNotFound("it was acknowledged, and is not kept any more", batch_id=str(batch_id))
    if row.blob_deleted_at is not None:
        raise gone
    try:
        stored = await work.blobs.stream(results_key(row.sha256))
    except ObjectMissing as problem:
        raise gone from problem
    return StreamingResponse(stored.chunks, headers=headers, media_type=MEDIA_TYPE)


@router.post("/resource_batches/{batch_id}/fetched/", status_code=204, responses=problems(ResultsNotFound))
async def fetched(batch_id: UUID, caller: MaySubmit, db: Db, now: Now) -> Response:
    """Acknowledge that the results of a batch are stored."""
    await acknowledge_results(db, batch_id, caller=caller.name, now=now)
    return Response(status_code=204)


@router.get("/prediction_jobs/{job_id}/failures/", responses=problems(JobNotFound))
async def list_failures(
    job_id: UUID, caller: MaySubmit, db: Db, limit: Limit = 50, cursor: Cursor = None
) -> Page[ResourceFailure]:
    """List the resources of a job that failed, with code and message."""
    if await jobs.get(db, job_id, caller.sees) is None:
        raise JobNotFound(job_id=str(job_id))
    page_request = PageRequest.of(limit, cursor, {"job_id": str(job_id)})
    rows, next_cursor = split(await queries.failures(db, job_id, page_request), page_request, _place)
    return Page(items=[_failure(row) for row in rows], next_cursor=next_cursor)


def _place(row: FailureRow) -> list[UUID]:
    """Its place in the list; no two rows have the same."""
    return [row.resource_id, row.batch_id]


def _failure(row: FailureRow) -> ResourceFailure:
    return ResourceFailure(
        resource_id=row.resource_id, batch_id=row.batch_id, code=FailureCode(row.code), message=row.message
    )
