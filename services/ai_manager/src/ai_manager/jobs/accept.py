"""Accepts a job once per idempotency key, with its resources in compressed chunks."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError

from ai_manager.base import MAX_BIGINT
from ai_manager.batches.announce import joined
from ai_manager.batches.models import Terms
from ai_manager.catalog import queries as catalog
from ai_manager.catalog.errors import ModelNotReady, UnknownModel
from ai_manager.catalog.models import Model
from ai_manager.catalog.state import missing
from ai_manager.jobs import queries
from ai_manager.jobs.errors import NoCommonRuntime
from ai_manager.jobs.models import Job
from ai_manager.jobs.read_submission import Submission, invalid_resource
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.idempotency import check_same
from trapper_kit.logs import log
from trapper_kit.problems import Invalid
from trapper_schemas.ids import uuid7
from trapper_schemas.problem import FieldError, field_message
from trapper_schemas.v1.jobs import JobRequest, JobState, Stage
from trapper_schemas.v1.models import ModelEntry, ModelState

INTERACTIVE, BULK = 0, 1
IDS_AT_ONCE = 1000
Head = TypeVar("Head", bound=BaseModel)


def read_head(submission: Submission, kind: type[Head]) -> Head:
    """Returns the request without its resources, which are packed already."""
    try:
        return kind.model_validate(submission.head)
    except ValidationError as problem:
        errors = [
            FieldError(loc=["body", *error["loc"]], code=str(error["type"]), message=field_message(error))
            for error in problem.errors(include_input=False, include_url=False)
        ]
        fields = ", ".join(".".join(str(part) for part in error.loc[1:]) for error in errors)
        raise Invalid(f"not valid: {fields}", errors=errors) from problem


async def accept_job(
    db: Session, request: JobRequest, submission: Submission, *, caller: str, idempotency_key: str, now: datetime
) -> tuple[Job, bool]:
    """Returns the job and whether it is new; another body under the same key is refused."""
    present = await queries.by_key(db, caller, idempotency_key)
    if present is not None:
        check_same(present.body_hash, submission.sha256)
        return present, False
    models = await _models(db, request.job_config.stages)
    runtimes = _common_runtimes(models)
    job = Job(
        id=uuid7(),
        caller=caller,
        idempotency_key=idempotency_key,
        body_hash=submission.sha256,
        state=JobState.ACCEPTED,
        sealed=request.sealed,
        last_page=0,
        last_page_hash=submission.sha256,
        total=submission.total,
        planned_through=0,
        next_turn=0,
        notification_queue=request.notification_queue,
        created_at=now,
        closed_at=None,
    )
    db.add(job)
    await db.flush()
    db.add(_terms(job.id, request, runtimes, weights_bytes=_weight(models)))
    await add_chunks(db, job.id, 0, submission)
    if not job.sealed:
        await add_ids(db, job.id, submission)
    await db.flush()
    enqueue_after_commit(db, "jobs.plan", job_id=job.id)
    log("job.accepted", job_id=job.id, caller=caller, resources=submission.total, sealed=request.sealed)
    return job, True


async def add_chunks(db: Session, job_id: UUID, first: int, submission: Submission) -> None:
    """Stores the resources of a page behind earlier ones, chunk by chunk to bound memory."""
    for size, packed in submission.chunks:
        await queries.add_chunk(db, job_id, first=first, size=size, resources=packed)
        first += size


async def add_ids(db: Session, job_id: UUID, submission: Submission) -> None:
    """Stores the ids of a page; refuses one that came on an earlier page."""
    for place, ids in enumerate(submission.ids.in_groups(IDS_AT_ONCE)):
        if before := await queries.note_unsealed(db, job_id, ids):
            number, resource_id = next(
                (number, resource_id) for number, resource_id in enumerate(ids) if resource_id in before
            )
            message = f"resource {resource_id} came on an earlier page of this job"
            raise invalid_resource([place * IDS_AT_ONCE + number, "id"], "twice", message)


def _weight(models: Sequence[ModelEntry]) -> int:
    """Returns the bytes of the weights of these models; weights of two stages count once."""
    return min(MAX_BIGINT, sum({model.sha256 or model.name: model.size_bytes or 0 for model in models}.values()))


def _terms(job_id: UUID, request: JobRequest, runtimes: Sequence[str], *, weights_bytes: int) -> Terms:
    models = [stage.model.key for stage in request.job_config.stages]
    return Terms(
        job_id=job_id,
        runtimes=joined(runtimes),
        model_set=hashlib.sha256("\n".join(models).encode()).hexdigest(),
        models=models,
        unpinned=any(stage.model.sha256 is None for stage in request.job_config.stages),
        weights_bytes=weights_bytes,
        priority=INTERACTIVE if request.interactive else BULK,
        project=request.project,
        job_config=request.job_config,
        media_grant=request.media_grant,
        media_origins=list(request.media_origins),
        is_open=True,
    )


async def _models(db: Session, stages: Sequence[Stage]) -> list[ModelEntry]:
    known = await catalog.by_refs(db, [stage.model for stage in stages])
    return [_usable(stage, known.get(catalog.key_of(stage.model))) for stage in stages]


def _usable(stage: Stage, model: Model | None) -> ModelEntry:
    ref = stage.model
    if model is None:
        weights = f" with sha256 {ref.sha256[:12]}…" if ref.sha256 is not None else ""
        raise UnknownModel(
            f"no {ref.name} {ref.version}{weights} here; `trapper models list` shows all",
            model=ref.name,
            sha256=ref.sha256,
        )
    entry = ModelEntry.model_validate(model.entry)
    if entry.kind is not stage.kind:
        raise UnknownModel(f"{entry.name} is a {entry.kind.value} model, not one for {stage.kind.value}")
    reason = missing(entry, held=model.held, unpinned=ref.sha256 is None)
    if model.state is not ModelState.PUBLISHED:
        reason = f"{entry.name} {entry.version} is {model.state.value}; `trapper models list` shows what is current"
    if reason is not None or entry.spec is None:
        raise ModelNotReady(reason or f"nobody said how {entry.name} is run: `trapper models add`", model=entry.name)
    return entry.model_copy(update={"size_bytes": model.held_bytes or entry.size_bytes})


def _common_runtimes(models: Sequence[ModelEntry]) -> list[str]:
    common = set(models[0].runtimes)
    for model in models[1:]:
        common &= set(model.runtimes)
    if not common:
        raise NoCommonRuntime("; ".join(f"{model.name}: {', '.join(model.runtimes)}" for model in models))
    return sorted(common)
