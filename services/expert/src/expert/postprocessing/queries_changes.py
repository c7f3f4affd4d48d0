"""Statements that change which predictions count, and those that restore what counted before."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Double, Text, Uuid

from expert.observations.queries_copy import copy_rows
from expert.observations.state import ObservationType
from trapper_kit.db import Session

_UNTOUCHED = """
    c.locked_at is null
    and not exists (select from observations copy where copy.copied_from_id = o.id)
    and not exists (select from identifications i where i.occurrence_id = o.occurrence_id
      and i.withdrawn_at is null and i.replaced_by_id is null)"""
PREDICTIONS = (
    "id", "observation_id", "algorithm_id", "taxon_id", "label", "score", "top_k", "terminal", "applied_to_id", "rule",
    "created_at",
)  # fmt: skip
CHANGES = (
    "operation_id", "observation_id", "before_id", "after_id", "is_new", "taxon_id", "label",
    "classification_confidence", "observation_type",
)  # fmt: skip


class Determined(NamedTuple):
    """What an occurrence is determined as."""

    taxon_id: UUID | None
    score: float | None
    source: str | None


class ObservationValues(NamedTuple):
    """What an observation is to say."""

    observation_id: UUID
    taxon_id: UUID | None
    label: str | None
    classification_confidence: float | None
    observation_type: ObservationType


async def lock(db: Session, classification_ids: Collection[UUID], occurrence_ids: Collection[UUID]) -> None:
    """Nobody approves these rows or identifies these occurrences until the transaction ends; in the order of ids."""
    await db.execute(
        text("select id from classifications where id = any(:ids) order by id for share"),
        {"ids": list(classification_ids)},
    )
    await db.execute(
        text("select id from occurrences where id = any(:ids) order by id for no key update"),
        {"ids": list(occurrence_ids)},
    )


async def still_untouched(db: Session, expected: Sequence[tuple[UUID, UUID]], *, is_current: bool) -> set[UUID]:
    """Observations, of these with their terminal predictions, that no person and no other run has touched since."""
    current = "and c.superseded_by_id is null" if is_current else ""
    statement = f"""
        select o.id from unnest(cast(:observations as uuid[]), cast(:predictions as uuid[])) as e (id, prediction_id)
          join observations o on o.id = e.id
          join classifications c on c.id = o.classification_id
          join predictions p on p.id = e.prediction_id and p.observation_id = o.id and p.terminal
        where {_UNTOUCHED} {current}"""  # noqa: S608 - constants
    values = {"observations": [each[0] for each in expected], "predictions": [each[1] for each in expected]}
    return set((await db.execute(text(statement), values)).scalars())


async def demote(db: Session, prediction_ids: Collection[UUID]) -> None:
    """They count no more."""
    statement = "update predictions set terminal = false where id = any(:ids)"
    await db.execute(text(statement), {"ids": list(prediction_ids)})


async def promote(db: Session, prediction_ids: Collection[UUID]) -> None:
    """They count; what counted before them was demoted."""
    if prediction_ids:
        statement = "update predictions set terminal = true where id = any(:ids)"
        await db.execute(text(statement), {"ids": list(prediction_ids)})


async def add_predictions(db: Session, rows: Sequence[Sequence[object]]) -> None:
    """Write new predictions, as a binary COPY."""
    if rows:
        await copy_rows(db, "predictions", PREDICTIONS, rows)


async def add_changes(db: Session, rows: Sequence[Sequence[object]]) -> None:
    """Write what a run changed, as a binary COPY."""
    await copy_rows(db, "prediction_changes", CHANGES, rows)


async def set_values(db: Session, values: Sequence[ObservationValues]) -> None:
    """Let observations say what their terminal predictions say."""
    statement = text("""
        update observations o set taxon_id = s.taxon_id, label = s.label,
          classification_confidence = s.confidence, observation_type = s.observation_type
        from unnest(:ids, :taxa, :labels, :confidences, :types)
          as s (id, taxon_id, label, confidence, observation_type)
        where o.id = s.id""").bindparams(
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("taxa", type_=ARRAY(Uuid)),
        bindparam("labels", type_=ARRAY(Text)),
        bindparam("confidences", type_=ARRAY(Double)),
        bindparam("types", type_=ARRAY(Text)),
    )
    columns = {
        "ids": [row.observation_id for row in values],
        "taxa": [row.taxon_id for row in values],
        "labels": [row.label for row in values],
        "confidences": [row.classification_confidence for row in values],
        "types": [str(row.observation_type) for row in values],
    }
    await db.execute(statement, columns)


async def determinations(db: Session, occurrence_ids: Collection[UUID]) -> dict[UUID, Determined]:
    """The taxon, score and source of each of these occurrences."""
    statement = """
        select id, determination_taxon_id, determination_score, determination_source from occurrences
        where id = any(:ids)"""
    rows = await db.execute(text(statement), {"ids": list(occurrence_ids)})
    return {row[0]: Determined(*row[1:]) for row in rows}


async def add_determination_changes(
    db: Session, operation_id: UUID, before: dict[UUID, Determined], changed: Collection[UUID]
) -> int:
    """Keep what occurrences were determined as before a run changed them; how many it changed for the first time."""
    if not changed:
        return 0
    statement = text("""
        insert into determination_changes (operation_id, occurrence_id, taxon_id, score, source)
        select :operation, * from unnest(:ids, :taxa, :scores, :sources)
        on conflict do nothing returning occurrence_id""").bindparams(
        bindparam("operation", type_=Uuid()),
        bindparam("ids", type_=ARRAY(Uuid)),
        bindparam("taxa", type_=ARRAY(Uuid)),
        bindparam("scores", type_=ARRAY(Double)),
        bindparam("sources", type_=ARRAY(Text)),
    )
    ids = sorted(changed)
    values = {
        "operation": operation_id,
        "ids": ids,
        "taxa": [before[each].taxon_id for each in ids],
        "scores": [before[each].score for each in ids],
        "sources": [before[each].source for each in ids],
    }
    return len((await db.execute(statement, values)).scalars().all())


async def count_changed_taxa(db: Session, operation_id: UUID) -> int:
    """How many occurrences are determined as another taxon now than before the run."""
    statement = """
        select count(*) from determination_changes d join occurrences o on o.id = d.occurrence_id
        where d.operation_id = :operation and o.determination_taxon_id is distinct from d.taxon_id"""
    return (await db.execute(text(statement), {"operation": operation_id})).scalar_one()


class Change(NamedTuple):
    """A change of a run, with the rows that it is about."""

    observation_id: UUID
    classification_id: UUID
    occurrence_id: UUID | None
    before_id: UUID
    after_id: UUID
    is_new: bool
    taxon_id: UUID | None
    label: str | None
    classification_confidence: float | None
    observation_type: ObservationType


async def changes_of(db: Session, operation_id: UUID, *, limit: int) -> list[Change]:
    """The first changes of a run that are not undone yet."""
    statement = """
        select p.observation_id, o.classification_id, o.occurrence_id, p.before_id, p.after_id, p.is_new, p.taxon_id,
          p.label, p.classification_confidence, p.observation_type
        from prediction_changes p join observations o on o.id = p.observation_id
        where p.operation_id = :operation order by p.observation_id limit :limit"""
    return [Change(*row) for row in await db.execute(text(statement), {"operation": operation_id, "limit": limit})]


async def count_changes(db: Session, operation_ids: Sequence[UUID]) -> int:
    """How many changes these runs made that are not undone yet."""
    statement = "select count(*) from prediction_changes where operation_id = any(:ids)"
    return (await db.execute(text(statement), {"ids": list(operation_ids)})).scalar_one()


async def later_runs(db: Session, operation_ids: Sequence[UUID]) -> list[UUID]:
    """Other runs that changed what one of these runs changed before, the newest first."""
    statement = """
        select later.operation_id from prediction_changes own
          join prediction_changes later on later.observation_id = own.observation_id and later.number > own.number
        where own.operation_id = any(:ids) and later.operation_id <> all(:ids)
        group by later.operation_id order by max(later.number) desc"""
    return list((await db.execute(text(statement), {"ids": list(operation_ids)})).scalars())


async def in_order_of_changes(db: Session, operation_ids: Collection[UUID]) -> list[UUID]:
    """These runs by their last change, the newest first."""
    statement = """
        select operation_id from prediction_changes where operation_id = any(:ids)
        group by operation_id order by max(number) desc"""
    return list((await db.execute(text(statement), {"ids": list(operation_ids)})).scalars())


async def forget(db: Session, operation_id: UUID, observation_ids: Sequence[UUID], made: Sequence[UUID]) -> None:
    """Delete changes that are undone, and the predictions that the run made unless something names them."""
    statement = "delete from prediction_changes where operation_id = :operation and observation_id = any(:ids)"
    await db.execute(text(statement), {"operation": operation_id, "ids": list(observation_ids)})
    statement = """
        delete from predictions p where p.id = any(:ids)
          and not exists (select from identifications i where i.prediction_id = p.id)
          and not exists (select from predictions l where l.applied_to_id = p.id)
          and not exists (select from prediction_changes b where b.before_id = p.id)
          and not exists (select from prediction_changes a where a.after_id = p.id)"""
    await db.execute(text(statement), {"ids": list(made)})


async def forget_determinations(db: Session, operation_id: UUID) -> None:
    """Delete what a run that is undone changed about determinations."""
    statement = "delete from determination_changes where operation_id = :operation"
    await db.execute(text(statement), {"operation": operation_id})


async def mark_undone(db: Session, operation_id: UUID, *, by: UUID, now: datetime) -> None:
    """The run is undone by this operation."""
    statement = "update postprocessing_runs set undone_by_id = :by, undone_at = :now where operation_id = :operation"
    await db.execute(text(statement), {"operation": operation_id, "by": by, "now": now})
