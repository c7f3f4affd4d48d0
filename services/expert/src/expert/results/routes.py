"""Routes of results: machine detections from the kept blobs, re-parsing, and its versions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from expert.access.guards import MayRead, MayRunAi
from expert.access.require import require
from expert.access.state import Capability
from expert.classification_projects.errors import LinkNotOpen
from expert.classification_projects.queries import require_readable_link
from expert.deps import Db, Now, Work
from expert.jobs import queries as jobs
from expert.jobs.errors import JobNotFound, JobStillOpen
from expert.jobs.state import FIRST_CONFIG, ParseOverrides
from expert.results import queries_configs
from expert.results.read_machine import read_machine
from expert.results.reparse import reparse_results
from expert.results.schemas import MachineResult, ParseVersion, ParseVersions, ReparseReply
from trapper_kit.objects import ObjectMissing
from trapper_kit.paging import PageRequest
from trapper_kit.problems import Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, Limit
from trapper_schemas.paging import Page

router = APIRouter(tags=["results"])

FLOOR = 0.01
"""Detections below are in no blob."""


@router.get(
    "/api/classification-projects/{project_id}/machine-detections/",
    responses=problems(NotFound, ObjectMissing),
)
async def list_machine_detections(
    project_id: UUID,
    work: Work,
    caller: MayRead,
    min_score: Annotated[float, Query(ge=FLOOR, le=1)] = 0.1,
    provider_id: UUID | None = None,
    linked_collection_id: UUID | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[MachineResult]:
    """List what the models found, resource by resource; a page ends with a whole batch."""
    filters = [str(value) for value in (project_id, min_score, provider_id, linked_collection_id)]
    page_request = PageRequest.of(limit, cursor, {"filters": filters})
    keys = page_request.values([UUID])
    async with work.db() as db:
        await require(db, caller, Capability.READ, classification_project=project_id)
    page = await read_machine(
        work,
        project_id,
        caller=caller,
        provider_id=provider_id,
        linked_collection_id=linked_collection_id,
        min_score=min_score,
        after=None if keys is None else keys[0],
        at_least=limit,
    )
    return Page(
        items=[MachineResult.model_validate(item) for item in page.items],
        next_cursor=None if page.next_after is None else page_request.next([page.next_after]),
    )


@router.post(
    "/api/ai-classification-jobs/{job_id}/reparse_results/",
    responses=problems(JobNotFound, JobStillOpen, LinkNotOpen, Forbidden),
)
async def reparse(job_id: UUID, db: Db, now: Now, caller: MayRunAi, body: ParseOverrides | None = None) -> ReparseReply:
    """Apply the results of a finished job again, without inference, under other thresholds."""
    job = await jobs.get(db, job_id)
    if job is None:
        raise JobNotFound
    await require(
        db, caller, Capability.RUN_AI, classification_project=job.classification_project_id, missing=JobNotFound()
    )
    await require_readable_link(db, caller, job.linked_collection_id)
    reopened = await reparse_results(db, job, body or ParseOverrides(), by=caller.id, now=now)
    return ReparseReply(id=reopened.id, stage=reopened.stage)


@router.get("/api/ai-classification-jobs/{job_id}/parses/", responses=problems(JobNotFound))
async def list_parses(job_id: UUID, db: Db, caller: MayRead) -> ParseVersions:
    """List the configurations that a job's results were parsed with; AI rows name theirs by `job_config_version`."""
    job = await jobs.get(db, job_id)
    if job is None:
        raise JobNotFound
    await require(
        db, caller, Capability.READ, classification_project=job.classification_project_id, missing=JobNotFound()
    )
    superseded = await queries_configs.superseded_of(db, job.id)
    own = ParseVersion(
        version=FIRST_CONFIG,
        job_config=job.job_config,
        created_by=job.created_by,
        created_at=job.created_at,
        superseded=superseded if job.job_config_version == FIRST_CONFIG else None,
    )
    later = [
        ParseVersion(
            version=row.version,
            job_config=row.job_config,
            created_by=row.created_by,
            created_at=row.created_at,
            superseded=superseded if row.version == job.job_config_version else None,
        )
        for row in await queries_configs.versions_of(db, job.id)
    ]
    return ParseVersions(items=[own, *later])
