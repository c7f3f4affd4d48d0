"""Makes the jobs of a scope that is too large for one job: an operation whose batches are jobs."""

from uuid import UUID

from pydantic import BaseModel

from expert.deps import ExpertWork
from expert.jobs import queries_scope
from expert.jobs.create import fill_job, new_job
from expert.jobs.freeze import Frozen
from expert.jobs.state import FrozenJobConfig
from expert.operations.models import Operation
from expert.operations.register import operation_kind
from expert.operations.state import BatchOutcome
from trapper_kit.db import Session
from trapper_kit.problems import Conflict

KIND = queries_scope.MAKE_JOBS


class JobsParameters(BaseModel):
    """What every job of the operation has in common, frozen when the operation was started."""

    linked_collection_id: UUID
    connection_id: UUID
    job_config: FrozenJobConfig
    interactive: bool
    missing_only: bool
    selected: bool
    """Whether the resources are the operation's items, or the whole linked collection."""


@operation_kind(KIND)
async def make_jobs(work: ExpertWork, db: Session, operation: Operation) -> BatchOutcome:
    """Makes the next job; raises Conflict when the linked collection is not open any more."""
    given = JobsParameters.model_validate(operation.parameters)
    if await queries_scope.linked(db, given.linked_collection_id) is None:
        raise Conflict("the owners of the collection have ended the link; the jobs that were made go on")
    after = operation.position.get("after")
    project_id, limit = operation.classification_project_id, work.settings.job_max_resources
    selection = queries_scope.Selection(
        given.linked_collection_id,
        operation_id=operation.id if given.selected else None,
        missing_under=(project_id, given.job_config.models_key) if given.missing_only else None,
    )
    taken = await queries_scope.in_scope(
        db, selection, limit=limit, after=UUID(str(after)) if after is not None else None, lock=True
    )
    if not taken:
        return BatchOutcome(operation.position, done=0, is_last=True)
    now = work.clock.now()
    job = new_job(
        Frozen(given.job_config, given.connection_id),
        classification_project_id=project_id,
        linked_collection_id=given.linked_collection_id,
        total=len(taken),
        interactive=given.interactive,
        now=now,
    )
    job.created_by, job.operation_id = operation.created_by, operation.id
    db.add(job)
    await db.flush()
    await queries_scope.mark_taken(db, given.linked_collection_id, taken, now=now)
    await fill_job(db, job, taken, auto=False)
    return BatchOutcome({"after": str(taken[-1])}, done=len(taken), is_last=len(taken) < limit, counters={"jobs": 1})
