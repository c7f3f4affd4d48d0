"""Every statement about received batches, and what applying one must look up."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from expert.algorithms.models import CategoryLabel
from expert.jobs.models import AiClassificationJob
from expert.jobs.state import FOLLOWED, JobStage, ResourceOutcome
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


async def with_job(db: Session, received_batch_id: UUID) -> tuple[ReceivedBatch, AiClassificationJob] | None:
    """Returns one row and its job, as they are now."""
    statement = (
        select(ReceivedBatch, AiClassificationJob)
        .join(AiClassificationJob, AiClassificationJob.id == ReceivedBatch.job_id)
        .where(ReceivedBatch.id == received_batch_id)
        .execution_options(populate_existing=True)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


@dataclass(frozen=True)
class Held:
    """A batch and its job, which nobody else applies, cancels or ends until the transaction ends."""

    job_id: UUID
    batch_id: UUID
    state: ReceivedState
    times_applied: int
    stage: JobStage
    job_config_version: int
    classification_project_id: UUID
    linked_collection_id: UUID
    provider_id: UUID


_HOLD = text("""
    select j.id, b.batch_id, b.state, b.times_applied, j.stage, j.job_config_version, j.classification_project_id,
      j.linked_collection_id, j.detection_provider_id, set_config('enable_seqscan', 'off', true)
    from received_batches b join ai_classification_jobs j on j.id = b.job_id
    where b.id = :id for no key update of b for share of j""")


async def hold(db: Session, received_batch_id: UUID) -> Held | None:
    """Locks a batch, and its job against cancelling and ending; other batches of the job can still be applied.

    Checks of foreign keys are planned once for a connection, perhaps while a table is small: here never to read it all.
    """
    row = (await db.execute(_HOLD, {"id": received_batch_id})).one_or_none()
    if row is None:
        return None
    return Held(row[0], row[1], ReceivedState(row[2]), row[3], JobStage(row[4]), *row[5:9])


async def meanings(db: Session, category_map_id: UUID) -> list[Meaning]:
    """Returns a model's labels in index order."""
    statement = (
        select(CategoryLabel.label, CategoryLabel.observation_type, CategoryLabel.taxon_id, CategoryLabel.rank)
        .where(CategoryLabel.category_map_id == category_map_id)
        .order_by(CategoryLabel.index)
    )
    return [Meaning(*row) for row in await db.execute(statement)]


_MEANINGS = text("""
    select l.category_map_id, l.index, l.label, l.observation_type, l.taxon_id, l.rank
    from unnest(cast(:maps as uuid[]), cast(:indexes as int[])) as named (map_id, index)
      join category_labels l on l.category_map_id = named.map_id and l.index = named.index""")


async def meanings_of(db: Session, named: Collection[tuple[UUID, int]]) -> dict[UUID, dict[int, Meaning]]:
    """Returns some labels by map and index; a model may have thousands, and a batch names few."""
    values = {"maps": [map_id for map_id, _ in named], "indexes": [index for _, index in named]}
    meanings: defaultdict[UUID, dict[int, Meaning]] = defaultdict(dict)
    for map_id, index, label, observation_type, taxon_id, rank in await db.execute(_MEANINGS, values):
        type_ = None if observation_type is None else ObjectType(observation_type)
        meanings[map_id][index] = Meaning(label, type_, taxon_id, rank)
    return meanings


@dataclass(frozen=True)
class ResourceFacts:
    """Where and when a resource of a job was taken, the hash of its stored file, and which batch has answered it."""

    deployment_id: UUID | None
    captured_at: datetime | None
    stored_sha256: str | None
    received_batch_id: UUID | None


_FACTS = text("""
    select r.id, r.deployment_id, r.captured_at, r.stored_sha256, j.received_batch_id
    from job_resources j join resources r on r.id = j.resource_id
    where j.job_id = :job_id and j.resource_id = any(cast(:ids as uuid[]))""")


async def resource_facts(db: Session, job_id: UUID, resource_ids: Sequence[UUID]) -> dict[UUID, ResourceFacts]:
    """Returns what the results of each resource are stored with; those that are not of the job are left out."""
    rows = await db.execute(_FACTS, {"job_id": job_id, "ids": list(resource_ids)})
    return {row[0]: ResourceFacts(*row[1:]) for row in rows}


_APPLIED = text(f"""
    with outcomes as (
      update job_resources j set outcome = e.outcome, has_animals = e.has_animals, code = e.code, message = e.message,
        batch_row = e.batch_row, received_batch_id = :id
      from unnest(cast(:resources as uuid[]), cast(:rows as int[]), cast(:outcomes as text[]),
        cast(:animals as boolean[]), cast(:codes as text[]), cast(:messages as text[]))
        as e (resource_id, batch_row, outcome, has_animals, code, message)
      where j.job_id = :job_id and j.resource_id = e.resource_id),
    ended as (
      update linked_collection_resources set ai_ended_at = :now
      where linked_collection_id = :link_id and resource_id = any(cast(:resources as uuid[])) and ai_ended_at is null)
    update received_batches set state = '{ReceivedState.APPLIED.value}', applied_at = :now,
      times_applied = times_applied + 1, total = :total, done = :done, blank = :blank, failed = :failed,
      with_animals = :with_animals, superseded = :superseded, logits_algorithm_id = :logits_algorithm_id,
      features_algorithm_id = :features_algorithm_id
    where id = :id and state = '{ReceivedState.KEPT.value}'""")  # noqa: S608 - constants
"""One statement, since a save of a single picture is little else than statements."""


async def mark_applied(
    db: Session,
    received_batch_id: UUID,
    held: Held,
    outcomes: Sequence[ResourceOutcome],
    *,
    now: datetime,
    **values: int | UUID | None,
) -> None:
    """Marks the batch as applied and its resources as ended, in the transaction that wrote its rows."""
    columns = {
        "resources": [outcome.resource_id for outcome in outcomes],
        "rows": [outcome.batch_row for outcome in outcomes],
        "outcomes": [outcome.outcome.value for outcome in outcomes],
        "animals": [outcome.has_animals for outcome in outcomes],
        "codes": [outcome.code for outcome in outcomes],
        "messages": [outcome.message for outcome in outcomes],
    }
    of = {"id": received_batch_id, "job_id": held.job_id, "link_id": held.linked_collection_id, "now": now}
    await db.execute(_APPLIED, {**of, **columns, **values})


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
