"""Makes a new job over the resources of a former one, or over those that failed."""

from datetime import datetime

from expert.access.make_once import IdempotentRequest
from expert.jobs import queries, queries_scope
from expert.jobs.ask import AskResult, Scope, ask_job
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import Overrides
from trapper_kit.db import Session


async def rerun_job(
    db: Session,
    job: AiClassificationJob,
    overrides: Overrides,
    *,
    request: IdempotentRequest,
    failed_only: bool,
    interactive: bool,
    dry_run: bool,
    max_resources: int,
    now: datetime,
) -> AskResult:
    """A new job with the project's present settings and the former job's overrides; given ones replace those."""
    project = await queries.project(db, job.classification_project_id)
    assert project is not None  # noqa: S101 - a foreign key holds it
    resources = await queries_scope.resource_ids_of(db, job.id, failed_only=failed_only)
    return await ask_job(
        db,
        project,
        Scope(job.linked_collection_id, resources),
        Overrides.model_validate(job.job_config.overrides | overrides.model_dump(exclude_unset=True)),
        request=request,
        missing_only=False,
        interactive=interactive,
        dry_run=dry_run,
        max_resources=max_resources,
        now=now,
    )
