"""Every statement about received batches, and what applying one must look up."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from expert.algorithms.models import CategoryLabel
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import FOLLOWED, JobStage
from expert.resources.models import Resource
from expert.results.models import ReceivedBatch
from expert.results.state import ReceivedState
from trapper_kit.db import Session, db_clock
from trapper_schemas.v1.models import ObjectType


@dataclass(frozen=True)
class Meaning:
    """What one label of a model means."""

    label: str
    observation_type: ObjectType | None
    taxon_id: UUID | None
    rank: str | None


async def note(db: Session, row: ReceivedBatch) -> UUID:
    """Returns the id of the new row, or of the one that exists."""
    values = {
        "id": row.id,
        "job_id": row.job_id,
        "batch_id": row.batch_id,
        "sha256": row.sha256,
        "size_bytes": row.size_bytes,
        "state": row.state,
        "created_at": row.created_at,
        "times_applied": 0,
        "total": 0,
        "done": 0,
        "blank": 0,
        "failed": 0,
        "with_animals": 0,
        "superseded": 0,
    }
    made = insert(ReceivedBatch).values(values).on_conflict_do_nothing(index_elements=["job_id", "batch_id"])
    await db.execute(made)
    there = select(ReceivedBatch.id).where(ReceivedBatch.job_id == row.job_id, ReceivedBatch.batch_id == row.batch_id)
    return (await db.execute(there)).scalar_one()


async def by_batch(db: Session, job_id: UUID, batch_id: UUID) -> ReceivedBatch | None:
    """Returns the row of one of the Manager's batches."""
    statement = select(ReceivedBatch).where(ReceivedBatch.job_id == job_id, ReceivedBatch.batch_id == batch_id)
    return await db.scalar(statement)


async def get(db: Session, received_batch_id: UUID, *, lock: bool = False) -> ReceivedBatch | None:
    """Returns one row, optionally locked."""
    statement = select(ReceivedBatch).where(ReceivedBatch.id == received_batch_id)
    if lock:
        statement = statement.with_for_update()
    return await db.scalar(statement.execution_options(populate_existing=True))


async def hold_job(db: Session, job_id: UUID) -> AiClassificationJob:
    """Locks the job against cancelling and ending; other batches can still be applied."""
    statement = select(AiClassificationJob).where(AiClassificationJob.id == job_id).with_for_update(read=True)
    return (await db.scalars(statement.execution_options(populate_existing=True))).one()


async def meanings(db: Session, category_map_id: UUID) -> list[Meaning]:
    """Returns a model's labels in index order."""
    statement = (
        select(CategoryLabel.label, CategoryLabel.observation_type, CategoryLabel.taxon_id, CategoryLabel.rank)
        .where(CategoryLabel.category_map_id == category_map_id)
        .order_by(CategoryLabel.index)
    )
    return [Meaning(*row) for row in await db.execute(statement)]


async def meanings_of(db: Session, category_map_id: UUID, indexes: Collection[int]) -> dict[int, Meaning]:
    """Returns some of a model's labels by index; a model may have thousands, and a batch names few."""
    label = CategoryLabel
    statement = select(label.index, label.label, label.observation_type, label.taxon_id, label.rank).where(
        label.category_map_id == category_map_id, label.index.in_(indexes)
    )
    return {row[0]: Meaning(*row[1:]) for row in await db.execute(statement)}


@dataclass(frozen=True)
class ResourceFacts:
    """Where and when a resource was taken, and the hash of its stored file."""

    deployment_id: UUID | None
    captured_at: datetime | None
    stored_sha256: str


async def resource_facts(db: Session, resource_ids: Sequence[UUID]) -> dict[UUID, ResourceFacts]:
    """Returns what the results of each resource are stored with."""
    columns = (Resource.id, Resource.deployment_id, Resource.captured_at, Resource.stored_sha256)
    rows = await db.execute(select(*columns).where(Resource.id.in_(resource_ids)))
    return {id_: ResourceFacts(place, at, sha256) for id_, place, at, sha256 in rows if sha256 is not None}


async def mark_applied(db: Session, received_batch_id: UUID, *, now: datetime, **values: int | UUID | None) -> None:
    """Marks the batch as applied, in the transaction that wrote its rows."""
    await db.execute(
        update(ReceivedBatch)
        .where(ReceivedBatch.id == received_batch_id, ReceivedBatch.state == ReceivedState.KEPT)
        .values(state=ReceivedState.APPLIED, applied_at=now, times_applied=ReceivedBatch.times_applied + 1, **values)
    )


async def mark_refused(db: Session, received_batch_id: UUID, *, reason: str) -> bool:
    """Marks the batch as refused for good; returns False when it was applied meanwhile."""
    statement = (
        update(ReceivedBatch)
        .where(ReceivedBatch.id == received_batch_id, ReceivedBatch.state == ReceivedState.KEPT)
        .values(state=ReceivedState.REFUSED, reason=reason)
        .returning(ReceivedBatch.id)
    )
    return (await db.scalar(statement)) is not None


async def mark_acknowledged(db: Session, received_batch_id: UUID, *, now: datetime) -> None:
    """Marks the batch as acknowledged at the Manager."""
    await db.execute(
        update(ReceivedBatch)
        .where(ReceivedBatch.id == received_batch_id, ReceivedBatch.acknowledged_at.is_(None))
        .values(acknowledged_at=now)
    )


async def keep_again(db: Session, job_id: UUID) -> Sequence[UUID]:
    """Resets all applied batches of a job, as if they had just been fetched."""
    statement = (
        update(ReceivedBatch)
        .where(ReceivedBatch.job_id == job_id, ReceivedBatch.state == ReceivedState.APPLIED)
        .values(state=ReceivedState.KEPT, applied_at=None)
        .returning(ReceivedBatch.id)
    )
    return (await db.scalars(statement)).all()


async def unfinished(db: Session, *, limit: int) -> Sequence[UUID]:
    """Returns batches to apply or to acknowledge."""
    statement = (
        select(ReceivedBatch.id)
        .where(
            or_(
                ReceivedBatch.state == ReceivedState.KEPT,
                ReceivedBatch.acknowledged_at.is_(None) & (ReceivedBatch.state == ReceivedState.APPLIED),
            )
        )
        .order_by(ReceivedBatch.id)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def jobs_with_results(db: Session, *, limit: int) -> Sequence[UUID]:
    """Returns open jobs whose Manager has results for us."""
    statement = (
        select(AiClassificationJob.id)
        .where(AiClassificationJob.stage.in_(FOLLOWED), AiClassificationJob.unacknowledged > 0)
        .order_by(AiClassificationJob.id)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def jobs_to_close(db: Session, *, limit: int) -> Sequence[UUID]:
    """Returns jobs that are closed there, or parsed again, with nothing left to apply."""
    left = (
        select(ReceivedBatch.id)
        .where(
            ReceivedBatch.job_id == AiClassificationJob.id,
            or_(ReceivedBatch.state == ReceivedState.KEPT, ReceivedBatch.acknowledged_at.is_(None)),
        )
        .exists()
    )
    statement = (
        select(AiClassificationJob.id)
        .where(AiClassificationJob.stage.in_((JobStage.FETCH_RESULTS, JobStage.INGESTING)), ~left)
        .order_by(AiClassificationJob.id)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def left_of(db: Session, job_id: UUID) -> int:
    """Returns batches of a job that are not applied or not acknowledged."""
    statement = select(func.count()).where(
        ReceivedBatch.job_id == job_id,
        ReceivedBatch.state != ReceivedState.REFUSED,
        or_(ReceivedBatch.state == ReceivedState.KEPT, ReceivedBatch.acknowledged_at.is_(None)),
    )
    return (await db.execute(statement)).scalar_one()


async def named_blobs(db: Session, keys: Sequence[str]) -> set[str]:
    """Returns those of the keys that a received batch refers to."""
    hashes = {key.rsplit("/", 1)[1]: key for key in keys}
    statement = select(ReceivedBatch.sha256).where(ReceivedBatch.sha256.in_(hashes))
    return {hashes[sha256] for sha256 in await db.scalars(statement)}


async def blobs_after(db: Session, received_batch_id: UUID | None, *, limit: int) -> Sequence[tuple[UUID, str]]:
    """Returns ids of batches and hashes of their blobs in order, after this id."""
    statement = select(ReceivedBatch.id, ReceivedBatch.sha256).order_by(ReceivedBatch.id).limit(limit)
    if received_batch_id is not None:
        statement = statement.where(ReceivedBatch.id > received_batch_id)
    return [(row[0], row[1]) for row in await db.execute(statement)]


async def mark_blobs_missing(db: Session, ids: Sequence[UUID], *, missing: Sequence[UUID]) -> None:
    """Marks which blobs the store has lost, and that the others exist."""
    await db.execute(
        update(ReceivedBatch)
        .where(ReceivedBatch.id.in_(missing), ReceivedBatch.blob_missing_at.is_(None))
        .values(blob_missing_at=db_clock())
    )
    await db.execute(
        update(ReceivedBatch)
        .where(ReceivedBatch.id.in_(set(ids) - set(missing)), ReceivedBatch.blob_missing_at.is_not(None))
        .values(blob_missing_at=None)
    )
