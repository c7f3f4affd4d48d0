"""Statements that write what a job saw, many resources at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Uuid, column, func, literal, select, table, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.selectable import TableValuedAlias

from expert.classifications.models import AI, FINAL, Classification
from expert.observations.models import Observation, Prediction
from expert.observations.queries_copy import copy_rows
from trapper_kit.db import JsonDocument, Session
from trapper_schemas.ids import uuid7

_AI_COLUMNS = (
    "id", "type", "classification_project_id", "resource_id", "linked_collection_id", "final_classification_id",
    "static_attributes", "created_at", "updated_at", "provider_id", "job_id", "job_config_version",
    "received_batch_id", "batch_row",
    "content_hash",
)  # fmt: skip


@dataclass(frozen=True)
class Current:
    """The current ai row of a resource, and what it says."""

    id: UUID
    content_hash: str | None
    job_id: UUID | None
    logits_algorithm_id: UUID | None
    """The algorithm whose logits its batch holds."""
    features_algorithm_id: UUID | None


@dataclass(frozen=True)
class OutputPlace:
    """Where a batch holds the outputs behind an ai row: the resource, and rows by (observation, algorithm)."""

    classification_id: UUID
    batch_row: int
    outputs: Sequence[tuple[int, UUID, int]]


# What is needed of the table above, by name.
_batches = table(
    "received_batches",
    column("id", Uuid),
    column("logits_algorithm_id", Uuid),
    column("features_algorithm_id", Uuid),
)


async def ensure_finals(
    db: Session, *, project_id: UUID, linked_collection_id: UUID, resource_ids: Sequence[UUID], now: datetime
) -> dict[UUID, UUID]:
    """Resource to final row; inserted in one order, so that two batches never wait for each other crosswise."""
    ordered = sorted(set(resource_ids))
    new = (
        func.unnest(literal([uuid7() for _ in ordered], ARRAY(Uuid)), literal(ordered, ARRAY(Uuid)))
        .table_valued(column("id", Uuid), column("resource_id", Uuid), name="new")
        .render_derived()
    )
    values: dict[str, Any] = {
        "id": new.c.id,
        "type": FINAL,
        "classification_project_id": literal(project_id),
        "resource_id": new.c.resource_id,
        "linked_collection_id": literal(linked_collection_id),
        "static_attributes": literal({}, JsonDocument),
        "is_approved": literal(False),
        "version": literal(0),
        "created_at": literal(now),
        "updated_at": literal(now),
    }
    made = (
        insert(Classification)
        .from_select(list(values), select(*values.values()))
        .on_conflict_do_nothing(
            index_elements=["resource_id", "classification_project_id"], index_where=Classification.type == FINAL
        )
        .returning(Classification.resource_id, Classification.id)
    )
    finals = {row[0]: row[1] for row in await db.execute(made)}
    if len(finals) < len(ordered):
        existing = select(Classification.resource_id, Classification.id).where(
            Classification.type == FINAL,
            Classification.classification_project_id == project_id,
            Classification.resource_id.in_(ordered),
        )
        finals |= {row[0]: row[1] for row in await db.execute(existing)}
    return finals


async def hold_current(
    db: Session, *, project_id: UUID, provider_id: UUID, resource_ids: Sequence[UUID]
) -> dict[UUID, Current]:
    """The current ai rows of these resources, which nobody else supersedes until the transaction ends."""
    statement = (
        select(
            Classification.resource_id,
            Classification.id,
            Classification.content_hash,
            Classification.job_id,
            _batches.c.logits_algorithm_id,
            _batches.c.features_algorithm_id,
        )
        .join(_batches, _batches.c.id == Classification.received_batch_id, isouter=True)
        .where(
            Classification.type == AI,
            Classification.superseded_by_id.is_(None),
            Classification.classification_project_id == project_id,
            Classification.provider_id == provider_id,
            Classification.resource_id.in_(resource_ids),
        )
        .order_by(Classification.resource_id)
        .with_for_update(key_share=True, of=Classification)
    )
    return {row[0]: Current(*row[1:]) for row in await db.execute(statement)}


async def supersede(db: Session, successors: Mapping[UUID, UUID]) -> None:
    """Point former rows to rows that are written next; the foreign key is looked at when the transaction ends."""
    pairs = (
        func.unnest(literal(list(successors), ARRAY(Uuid)), literal(list(successors.values()), ARRAY(Uuid)))
        .table_valued(column("former", Uuid), column("latter", Uuid), name="pairs")
        .render_derived()
    )
    await db.execute(
        update(Classification).where(Classification.id == pairs.c.former).values(superseded_by_id=pairs.c.latter)
    )


async def copy_ai_rows(db: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """The new ai rows."""
    await copy_rows(db, "classifications", _AI_COLUMNS, [tuple(row[name] for name in _AI_COLUMNS) for row in rows])


async def point_to_batch(db: Session, received_batch_id: UUID, places: Sequence[OutputPlace]) -> None:
    """Point ai rows and their predictions to where this batch holds their outputs; what they say stays."""
    rows = _values(
        "rows",
        classification_id=(Uuid(), [place.classification_id for place in places]),
        batch_row=(Integer(), [place.batch_row for place in places]),
    )
    await db.execute(
        update(Classification)
        .where(Classification.id == rows.c.classification_id)
        .values(received_batch_id=received_batch_id, batch_row=rows.c.batch_row)
    )
    outputs = [(place.classification_id, *output) for place in places for output in place.outputs]
    if not outputs:
        return
    classification_ids, positions, algorithm_ids, output_rows = zip(*outputs, strict=True)
    new = _values(
        "new",
        classification_id=(Uuid(), classification_ids),
        position=(Integer(), positions),
        algorithm_id=(Uuid(), algorithm_ids),
        output_row=(Integer(), output_rows),
    )
    position = func.row_number().over(partition_by=Observation.classification_id, order_by=Observation.id) - 1
    ordered = (
        select(Observation.id, Observation.classification_id, position.label("position"))
        .where(Observation.classification_id.in_([place.classification_id for place in places]))
        .subquery("ordered")
    )
    await db.execute(
        update(Prediction)
        .where(
            Prediction.observation_id == ordered.c.id,
            Prediction.algorithm_id == new.c.algorithm_id,
            Prediction.applied_to_id.is_(None),
            ordered.c.classification_id == new.c.classification_id,
            ordered.c.position == new.c.position,
        )
        .values(output_row=new.c.output_row)
    )


def _values(name: str, **columns: tuple[Uuid[UUID] | Integer, Sequence[object]]) -> TableValuedAlias:
    """A table of values, as arrays of one length."""
    arrays = [literal(list(values), ARRAY(kind)) for kind, values in columns.values()]
    named = [column(key, kind) for key, (kind, _) in columns.items()]
    return func.unnest(*arrays).table_valued(*named, name=name).render_derived()
