"""The routes of jobs: ask, list, read, cancel, run again; and media for workers, under a grant."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from expert.access.guards import MayRead, MayRunAi
from expert.access.make_once import IdempotentRequest
from expert.access.queries import readable_classification_projects
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.deps import Db, Now, Work
from expert.jobs import queries, queries_stages
from expert.jobs.ask import AskResult, Scope, ask_job
from expert.jobs.cancel import cancel_job
from expert.jobs.errors import (
    JobClosed,
    JobNotFinished,
    JobNotFound,
    MediaGrantRefused,
    NoDetectionProvider,
    ResourceNotInJob,
    StageStillRuns,
)
from expert.jobs.follow import follow_job
from expert.jobs.models import AiClassificationJob
from expert.jobs.open_media import open_media
from expert.jobs.rerun import rerun_job
from expert.jobs.run_stages import rerun_stage
from expert.jobs.schemas import (
    JobReply,
    JobRerun,
    JobResourceReply,
    NewJob,
    NewJobReply,
    job_reply,
    resource_reply,
)
from expert.jobs.state import CLOSED, JobStage, Outcome, StageAfterIngest
from expert.resources.errors import MediaRemote
from trapper_kit.db import Session
from trapper_kit.idempotency import fingerprint
from trapper_kit.objects import ObjectMissing
from trapper_kit.paging import PageRequest
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.bodies import MIB, body_limit
from trapper_kit.web.describe import binary, problems
from trapper_kit.web.guards import public
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit
from trapper_schemas.paging import Page

router = APIRouter(tags=["jobs"])

JOBS = "/api/ai-classification-jobs"
_OK, _CREATED, _ACCEPTED = 200, 201, 202
_NONE = {"model": NewJobReply, "description": "No new job: a dry run, nothing to look at, or a repeated request"}
_SEVERAL = {"model": NewJobReply, "description": "An operation makes the jobs; Location is its address"}


@router.post(
    f"{JOBS}/",
    status_code=_CREATED,
    responses={**problems(NotFound, NoDetectionProvider), _OK: _NONE, _ACCEPTED: _SEVERAL},
)
@body_limit(8 * MIB)
async def ask(
    body: NewJob, key: IdempotencyKey, response: Response, db: Db, work: Work, now: Now, caller: MayRunAi
) -> NewJobReply:
    """Start an AI job over a linked collection or some of its resources: 201 when one was made, else 200.

    A scope that takes several jobs answers 202 with the operation that makes them, whose address is in `Location`.
    """
    await require(db, caller, Capability.RUN_AI, classification_project=body.classification_project_id)
    project = await queries.project(db, body.classification_project_id)
    if project is None:
        raise NotFound
    result = await ask_job(
        db,
        project,
        Scope(body.linked_collection_id, body.resource_ids),
        body.overrides,
        request=IdempotentRequest.of(caller, key, body),
        missing_only=body.missing_only,
        interactive=body.interactive,
        dry_run=body.dry_run,
        max_resources=work.settings.job_max_resources,
        now=now,
    )
    return await _ask_reply(db, result, response)


@router.get(f"{JOBS}/")
async def list_jobs(
    db: Db,
    caller: MayRead,
    classification_project_id: Annotated[list[UUID] | None, Query()] = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    linked_collection_id: Annotated[list[UUID] | None, Query()] = None,
    provider_id: Annotated[list[UUID] | None, Query(description="of the detection model")] = None,
    stage: Annotated[list[JobStage] | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[JobReply]:
    """List AI jobs of the caller's projects, newest first."""
    filters = [str(value) for value in (id, classification_project_id, linked_collection_id, provider_id, stage)]
    rows, next_cursor = await queries.listed(
        db,
        PageRequest.of(limit, cursor, {"filters": filters}),
        visible_projects=readable_classification_projects(caller),
        project_ids=classification_project_id or [],
        linked_collection_ids=linked_collection_id or [],
        ids=id or [],
        provider_ids=provider_id or [],
        stages=stage or [],
    )
    return Page(items=await _replies(db, rows), next_cursor=next_cursor)


@router.get(f"{JOBS}/{{job_id}}/", responses=problems(JobNotFound))
async def read_job(job_id: UUID, db: Db, caller: MayRead) -> JobReply:
    """Read one AI job with its configuration and the stages it went through."""
    return await _reply(db, await _job(db, caller, job_id, Capability.READ))


@router.get(f"{JOBS}/{{job_id}}/resources/", responses=problems(JobNotFound))
async def list_outcomes(
    job_id: UUID,
    db: Db,
    caller: MayRead,
    outcome: Annotated[list[Outcome] | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[JobResourceReply]:
    """List how each resource of a job ended, and why it failed."""
    job = await _job(db, caller, job_id, Capability.READ)
    page_request = PageRequest.of(limit, cursor, {"job": str(job_id), "outcome": str(outcome)})
    rows, next_cursor = await queries.outcomes(db, job, page_request, caller=caller, outcome_in=outcome or [])
    return Page(items=[resource_reply(row) for row in rows], next_cursor=next_cursor)


@router.post(f"{JOBS}/{{job_id}}/cancel/", responses=problems(JobNotFound, JobClosed, Forbidden))
async def cancel(job_id: UUID, db: Db, now: Now, caller: MayRunAi) -> JobReply:
    """Cancel an AI job; cancelling a cancelled job changes nothing."""
    await _job(db, caller, job_id, Capability.RUN_AI)
    return await _reply(db, await cancel_job(db, job_id, now=now))


@router.post(
    f"{JOBS}/{{job_id}}/rerun/",
    status_code=_CREATED,
    responses={**problems(JobNotFound, NoDetectionProvider), _OK: _NONE, _ACCEPTED: _SEVERAL},
)
async def rerun(
    job_id: UUID,
    key: IdempotencyKey,
    response: Response,
    db: Db,
    work: Work,
    now: Now,
    caller: MayRunAi,
    body: JobRerun | None = None,
) -> NewJobReply:
    """Start a new job over a job's resources, or those that failed, with the project's settings."""
    body = body or JobRerun()
    job = await _job(db, caller, job_id, Capability.RUN_AI)
    result = await rerun_job(
        db,
        job,
        body.overrides,
        request=IdempotentRequest(
            caller.id, key, fingerprint({"rerun": str(job_id), "body": body.model_dump(mode="json")})
        ),
        failed_only=body.failed_only,
        interactive=body.interactive,
        dry_run=body.dry_run,
        max_resources=work.settings.job_max_resources,
        now=now,
    )
    return await _ask_reply(db, result, response)


@router.post(
    f"{JOBS}/{{job_id}}/after-ingest/{{stage}}/rerun/",
    status_code=_ACCEPTED,
    responses=problems(JobNotFound, JobNotFinished, StageStillRuns, Forbidden),
)
async def rerun_stage_of_job(
    job_id: UUID, stage: StageAfterIngest, key: IdempotencyKey, response: Response, db: Db, caller: MayRunAi
) -> JobReply:
    """Run one stage after ingest again, alone; `Location` is the address of its operation."""
    job = await _job(db, caller, job_id, Capability.RUN_AI)
    request = IdempotentRequest(caller.id, key, fingerprint({"job": str(job_id), "stage": stage}))
    operation = await rerun_stage(db, job, stage, request)
    response.headers["Location"] = f"/api/operations/{operation.id}/"
    return await _reply(db, job)


@router.post(f"{JOBS}/{{job_id}}/update_status/", responses=problems(JobNotFound))
async def update_status(job_id: UUID, work: Work, caller: MayRead) -> JobReply:
    """Ask the Manager now how far a job is."""
    async with work.db() as db:
        await _job(db, caller, job_id, Capability.READ)
    await follow_job(work, job_id)
    async with work.db() as db:
        return await _reply(db, await _job(db, caller, job_id, Capability.READ))


@router.get(
    "/api/media/{resource_id}/inference",
    response_class=StreamingResponse,
    responses={
        **problems(MediaGrantRefused, MediaRemote, ResourceNotInJob, ObjectMissing),
        200: binary("image/*", "video/*"),
    },
)
@public
async def read_for_inference(
    resource_id: UUID,
    work: Work,
    grant: Annotated[str, Header(alias="Trapper-Media-Grant", max_length=500)] = "",
) -> StreamingResponse:
    """Download a resource as a worker with the grant of an open job; the grant is the guard."""
    resource, stored = await open_media(work, resource_id, grant=grant)
    headers = {"Content-Length": str(stored.size_bytes), "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(stored.chunks, media_type=resource.media_type, headers=headers)


async def _job(db: Session, caller: Caller, job_id: UUID, capability: Capability) -> AiClassificationJob:
    job = await queries.get(db, job_id)
    if job is None:
        raise JobNotFound
    await require(db, caller, capability, classification_project=job.classification_project_id, missing=JobNotFound())
    return job


async def _replies(db: Session, jobs: Sequence[AiClassificationJob]) -> list[JobReply]:
    """The replies for jobs; the resources of open ones are counted now."""
    counted = await queries.counts(db, [job.id for job in jobs if job.stage not in CLOSED])
    providers = await queries.detection_providers(db, jobs)
    runs = await queries_stages.runs_of(db, [job.id for job in jobs if job.stage is JobStage.FINISHED])
    return [
        job_reply(
            job,
            providers[job.detection_provider_id],
            counted.get(job.id, {}),
            runs.get(job.id, {}),
        )
        for job in jobs
    ]


async def _reply(db: Session, job: AiClassificationJob) -> JobReply:
    return (await _replies(db, [job]))[0]


async def _ask_reply(db: Session, result: AskResult, response: Response) -> NewJobReply:
    if not result.made:
        response.status_code = _OK
    if result.operation is not None:
        response.status_code = _ACCEPTED
        response.headers["Location"] = f"/api/operations/{result.operation.id}/"
    return NewJobReply(
        job=None if result.job is None else await _reply(db, result.job),
        operation_id=None if result.operation is None else result.operation.id,
        resources=result.resources,
    )
