"""Statements that write what a job saw, many resources at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, column, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from expert.classifications.models import AI, FINAL, Classification
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


async def ensure_finals(
    db: Session, *, project_id: UUID, linked_collection_id: UUID, resource_ids: Sequence[UUID], now: datetime
) -> dict[UUID, UUID]:
    """Resource to final row; inserted in one order, so that two batches never wait for each other crosswise."""
    existing = select(Classification.resource_id, Classification.id).where(
        Classification.type == FINAL,
        Classification.classification_project_id == project_id,
        Classification.resource_id.in_(resource_ids),
    )
    finals = {row[0]: row[1] for row in await db.execute(existing)}
    missing = sorted(set(resource_ids) - set(finals))
    if not missing:
        return finals
    new = (
        func.unnest(literal([uuid7() for _ in missing], ARRAY(Uuid)), literal(missing, ARRAY(Uuid)))
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
    await db.execute(
        insert(Classification)
        .from_select(list(values), select(*values.values()))
        .on_conflict_do_nothing(
            index_elements=["resource_id", "classification_project_id"], index_where=Classification.type == FINAL
        )
    )
    return {row[0]: row[1] for row in await db.execute(existing)}


async def hold_current(
    db: Session, *, project_id: UUID, provider_id: UUID, resource_ids: Sequence[UUID]
) -> dict[UUID, Current]:
    """The current ai rows of these resources, which nobody else supersedes until the transaction ends."""
    statement = (
        select(Classification.resource_id, Classification.id, Classification.content_hash, Classification.job_id)
        .where(
            Classification.type == AI,
            Classification.superseded_by_id.is_(None),
            Classification.classification_project_id == project_id,
            Classification.provider_id == provider_id,
            Classification.resource_id.in_(resource_ids),
        )
        .order_by(Classification.resource_id)
        .with_for_update(key_share=True)
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
