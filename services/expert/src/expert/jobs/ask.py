"""Makes the job that a person requests, or starts an operation that makes several; a dry run only counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from expert.access import queries as access
from expert.access.make_once import IdempotentRequest, make_once
from expert.classification_projects.models import ClassificationProject
from expert.jobs import queries_scope
from expert.jobs.create import fill_job, new_job
from expert.jobs.freeze import Frozen, freeze_config
from expert.jobs.make_jobs import KIND, JobsParameters
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import Overrides
from expert.operations.models import Operation
from expert.operations.start import start_operation
from trapper_kit.db import Session
from trapper_kit.idempotency import check_same
from trapper_kit.problems import Invalid
from trapper_schemas.problem import FieldError


@dataclass(frozen=True)
class Scope:
    """A linked collection, or selected resources of one; both together must fit."""

    linked_collection_id: UUID | None
    resource_ids: Sequence[UUID] | None


@dataclass(frozen=True)
class AskResult:
    """The number of resources, and their job or the operation that makes their jobs; neither on a dry run."""

    job: AiClassificationJob | None
    resources: int
    made: bool
    operation: Operation | None = None


async def ask_job(
    db: Session,
    project: ClassificationProject,
    scope: Scope,
    overrides: Overrides,
    *,
    request: IdempotentRequest,
    missing_only: bool,
    interactive: bool,
    dry_run: bool,
    max_resources: int,
    now: datetime,
) -> AskResult:
    """Requests the AI for the readable resources of a scope; raises Invalid for a foreign scope.

    More than `max_resources` of them take several jobs, which an operation makes.
    """
    earlier = await access.made_before(db, AiClassificationJob, request.caller_id, request.key)
    if earlier is not None:
        check_same(earlier.request_print, request.request_print)
        return AskResult(earlier, earlier.total, made=False)
    started = await access.made_before(db, Operation, request.caller_id, request.key)
    if started is not None:
        check_same(started.request_print, request.request_print)
        return AskResult(None, started.total, made=False, operation=started)
    linked_collection_id = await _linked_collection(db, project, scope)
    frozen = await freeze_config(db, project, overrides)
    if missing_only and not dry_run:
        await queries_scope.take_answered(db, linked_collection_id, project.id, frozen.config.models_key, now=now)
    missing_under = (project.id, frozen.config.models_key) if missing_only else None
    selected = queries_scope.Selection(linked_collection_id, scope.resource_ids, missing_under=missing_under)
    total = await queries_scope.count_scope(db, selected)
    if dry_run or not total:
        return AskResult(None, total, made=False)
    if total > max_resources:
        return await _start_many(db, project, frozen, selected, total, request=request, interactive=interactive)
    await queries_scope.hold_scope(db, linked_collection_id, scope.resource_ids)
    taken = await queries_scope.in_scope(db, selected, limit=max_resources)
    if not taken:
        return AskResult(None, 0, made=False)
    job = new_job(
        frozen,
        classification_project_id=project.id,
        linked_collection_id=linked_collection_id,
        total=len(taken),
        interactive=interactive,
        now=now,
    )
    job, made = await make_once(db, job, request, taken={})
    if made:
        await queries_scope.mark_taken(db, linked_collection_id, taken, now=now)
        await fill_job(db, job, taken, auto=False)
    return AskResult(job, job.total, made=made)


async def _start_many(
    db: Session,
    project: ClassificationProject,
    frozen: Frozen,
    selected: queries_scope.Selection,
    total: int,
    *,
    request: IdempotentRequest,
    interactive: bool,
) -> AskResult:
    parameters = JobsParameters(
        linked_collection_id=selected.linked_collection_id,
        connection_id=frozen.connection_id,
        job_config=frozen.config,
        interactive=interactive,
        missing_only=selected.missing_under is not None,
        selected=selected.resource_ids is not None,
    )
    operation = Operation(
        kind=KIND,
        classification_project_id=project.id,
        parameters=parameters.model_dump(mode="json"),
        total=total,
    )
    operation, made = await start_operation(db, operation, request, items=selected.resource_ids or ())
    return AskResult(None, total, made=made, operation=operation)


async def _linked_collection(db: Session, project: ClassificationProject, scope: Scope) -> UUID:
    if scope.linked_collection_id is not None:
        link = await queries_scope.linked(db, scope.linked_collection_id)
        if link is None or link.classification_project_id != project.id:
            raise Invalid.field("linked_collection_id", "the project has no such linked collection")
        await _refuse_foreign(db, project.id, scope.resource_ids or (), link_id=link.id)
        return link.id
    if not scope.resource_ids:
        raise Invalid.field("linked_collection_id", "name a linked collection, or resources of one")
    await _refuse_foreign(db, project.id, scope.resource_ids, link_id=None)
    link_id = await queries_scope.linked_holding_all(db, project.id, scope.resource_ids)
    if link_id is None:
        raise Invalid.field("resource_ids", "no single linked collection holds all of these resources; ask for each")
    return link_id


async def _refuse_foreign(db: Session, project_id: UUID, resource_ids: Sequence[UUID], *, link_id: UUID | None) -> None:
    """Raises Invalid with the ids that are in no linked collection of the project, or not in this one."""
    linked = await queries_scope.linked_resources(db, project_id, resource_ids, link_id=link_id)
    foreign = [str(resource_id) for resource_id in dict.fromkeys(resource_ids) if resource_id not in linked]
    if foreign:
        where = "this linked collection" if link_id is not None else "the project's linked collections"
        message = f"{len(foreign)} of these resources are not in {where}; nothing was done"
        errors = [FieldError(loc=["body", "resource_ids"], code="foreign", message=message)]
        raise Invalid(message, errors=errors, resource_ids=foreign)
