"""The Expert submits, appends, reads and cancels."""

from contextlib import closing
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request, Response

from ai_manager.access.guards import MaySubmit
from ai_manager.catalog.errors import ModelNotReady, UnknownModel
from ai_manager.deps import Db, Now, Work, WorkDep
from ai_manager.jobs import queries
from ai_manager.jobs.accept import accept_job, read_head
from ai_manager.jobs.append import append_page
from ai_manager.jobs.cancel import cancel_job
from ai_manager.jobs.errors import JobNotFound, JobSealed, NoCommonRuntime, PageOutOfTurn
from ai_manager.jobs.read import describe_job
from ai_manager.jobs.read_submission import Submission, decompress, read_submission
from trapper_kit.db import IntegrityError
from trapper_kit.idempotency import IdempotencyKeyReused
from trapper_kit.web.app import read_body
from trapper_kit.web.describe import problems
from trapper_kit.web.params import IdempotencyKey
from trapper_schemas.v1.jobs import JobReply, JobRequest, ResourcePage

router = APIRouter(prefix="/api/prediction_jobs", tags=["jobs"])
Encoding = Annotated[str | None, Header(alias="Content-Encoding", pattern="^(zstd|identity)$")]


def _streamed(model: str) -> dict[str, Any]:
    """The body's place in the contract: it is read as a stream, so FastAPI does not see its type."""
    schema = {"$ref": f"#/components/schemas/{model}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


STREAMED_BODIES = (JobRequest, ResourcePage)


async def _read(request: Request, work: Work, encoding: str | None) -> Submission:
    limit = work.settings.submission_limit_bytes
    chunks = read_body(request, at_most=limit)
    return await read_submission(decompress(chunks, at_most=limit) if encoding == "zstd" else chunks)


@router.post(
    "/",
    status_code=201,
    responses={
        **problems(UnknownModel, ModelNotReady, NoCommonRuntime),
        200: {"model": JobReply, "description": "the job that this key and this body made before"},
    },
    openapi_extra=_streamed("JobRequest"),
)
async def accept(
    request: Request,
    response: Response,
    caller: MaySubmit,
    work: WorkDep,
    now: Now,
    key: IdempotencyKey,
    encoding: Encoding = None,
) -> JobReply:
    """Submit a prediction job; 200 with the same job for the same key and body. The body may be zstd-encoded."""
    with closing(await _read(request, work, encoding)) as submission:
        head = read_head(submission, JobRequest)
        try:
            reply, new = await _accept(work, head, submission, caller.name, key, now)
        except IntegrityError:  # the key was free, and taken at this very moment: now the job is there
            reply, new = await _accept(work, head, submission, caller.name, key, now)
    response.status_code = 201 if new else 200
    return reply


async def _accept(
    work: Work, head: JobRequest, submission: Submission, caller: str, key: str, now: datetime
) -> tuple[JobReply, bool]:
    async with work.db() as db:
        job, new = await accept_job(db, head, submission, caller=caller, idempotency_key=key, now=now)
        return await describe_job(work, db, job), new


@router.post(
    "/{job_id}/resources/",
    responses=problems(JobNotFound, JobSealed, PageOutOfTurn, IdempotencyKeyReused),
    openapi_extra=_streamed("ResourcePage"),
)
async def append(
    job_id: UUID, request: Request, caller: MaySubmit, work: WorkDep, encoding: Encoding = None
) -> JobReply:
    """Append a page of resources to a job; the same page again changes nothing, and the last one says `sealed`."""
    with closing(await _read(request, work, encoding)) as submission:
        page = read_head(submission, ResourcePage)
        async with work.db() as db:
            job = await append_page(db, job_id, submission, page=page.page, sealed=page.sealed, caller=caller.name)
            return await describe_job(work, db, job)


@router.get("/{job_id}/", responses=problems(JobNotFound))
async def read(job_id: UUID, caller: MaySubmit, db: Db, work: WorkDep) -> JobReply:
    """Read a job: state, counts, progress, estimated end."""
    job = await queries.get(db, job_id, caller.sees)
    if job is None:
        raise JobNotFound(job_id=str(job_id))
    return await describe_job(work, db, job)


@router.post("/{job_id}/cancel/", responses=problems(JobNotFound))
async def cancel(job_id: UUID, caller: MaySubmit, db: Db, work: WorkDep, now: Now) -> JobReply:
    """Cancel a job: stop handing out its batches; a closed job stays as it is."""
    job = await cancel_job(db, job_id, caller=caller.name, now=now)
    return await describe_job(work, db, job)
