"""Submits a job to its Manager, page by page, under the job's own id; retried until it succeeds."""

from datetime import timedelta
from uuid import UUID

from expert.deps import ExpertWork
from expert.jobs import queries
from expert.jobs.end import end_job
from expert.jobs.issue_grant import Grant, issue_grant
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import JobStage, backoff_seconds, passes
from expert.manager_client import ManagerClient
from expert.providers.open_connection import open_connection
from expert.resources.locate_file import locate_file
from expert.resources.models import Resource
from trapper_kit.addresses import origin_of
from trapper_kit.db import db_clock
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.jobs import JobRequest, ResourcePage
from trapper_schemas.v1.resources import ResourceRef

PAGE = 10_000


async def submit_job(work: ExpertWork, job_id: UUID) -> None:
    """Makes one attempt; without an answer it is retried later, and a refusal ends the job."""
    pause = timedelta(seconds=work.settings.intervals.max_backoff)
    async with work.db() as db:
        job = await queries.take_submission(db, job_id, pause=pause)
        connection = await queries.connection_of(db, job) if job is not None else None
    if job is None or connection is None:
        return
    try:
        there = await send_job(work, open_connection(work, connection), job)
    except Problem as problem:
        await _not_sent(work, job, problem)
        return
    async with work.db() as db:
        moved = await queries.move(
            db,
            job_id,
            was=JobStage.CREATED,
            to=JobStage.SUBMITTED,
            now=work.clock.now(),
            error=None,
            next_look_at=db_clock(),
            manager_job_id=there,
        )
    if moved is not None:
        log("job.submitted", job=job_id, resources=job.total)


async def send_job(work: ExpertWork, manager: ManagerClient, job: AiClassificationJob) -> UUID:
    """Returns the job's id at the Manager, once every page is there."""
    refs = await _page(work, job.id, after=None)
    so_far = len(refs)
    request = JobRequest(
        job_config=job.job_config,
        resources=refs,
        sealed=so_far >= job.total,
        media_grant=issue_grant(work.settings.secret_key.get_secret_value(), Grant(job.id, job.connection_id)),
        media_origins=(origin_of(work.settings.public_url),),
        project=str(job.classification_project_id),
        interactive=job.interactive,
        notification_queue=str(job.connection_id),
    )
    there = (await manager.submit(job.id, request)).id
    page = 1
    while so_far < job.total:
        refs = await _page(work, job.id, after=refs[-1].id)
        so_far += len(refs)
        await _append(manager, there, ResourcePage(page=page, resources=refs, sealed=so_far >= job.total))
        page += 1
    return there


async def _append(manager: ManagerClient, there: UUID, page: ResourcePage) -> None:
    try:
        await manager.append_page(there, page)
    except Problem as problem:
        further = problem.type == "page-out-of-turn" and int(problem.extras.get("expected", 0)) > page.page
        if not further and problem.type != "job-sealed":  # an earlier attempt may have got further than it could tell
            raise


async def _page(work: ExpertWork, job_id: UUID, *, after: UUID | None) -> tuple[ResourceRef, ...]:
    async with work.db() as db:
        rows = await queries.page_of_resources(db, job_id, after=after, limit=PAGE)
    return tuple(_reference(work.settings.public_url, row) for row in rows)


def _reference(public_url: str, row: Resource) -> ResourceRef:
    file = locate_file(row)
    return ResourceRef(
        id=row.id,
        url=f"{public_url.rstrip('/')}/api/media/{row.id}/inference",
        sha256=file.stored_sha256,
        media_type=row.media_type,
        size_bytes=file.size_bytes,
    )


async def _not_sent(work: ExpertWork, job: AiClassificationJob, problem: Problem) -> None:
    why = ": ".join(part for part in (problem.title, problem.detail) if part)
    async with work.db() as db:
        if passes(problem.status):
            await queries.put_off(db, job.id, pause=_pause(work, job), why=f"not submitted yet: {why}")
            log("job.put_off", job=job.id, problem=problem.type, detail=problem.detail)
        else:
            await end_job(db, job.id, JobStage.FAILED, now=work.clock.now(), error=why, settled=True)


def _pause(work: ExpertWork, job: AiClassificationJob) -> timedelta:
    intervals = work.settings.intervals
    return timedelta(seconds=backoff_seconds(job.attempts - 1, first=intervals.sweep, longest=intervals.max_backoff))
