"""Statements about taxa."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from expert.access.make_once import IdempotentRequest
from expert.taxa.models import Taxon, TaxonKey
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, has_part, page_of


async def list_all(
    db: Session,
    page_request: PageRequest,
    *,
    ids: Sequence[UUID] | None,
    name: str | None,
    key: str | None,
    checklist: str | None,
    below: Sequence[UUID],
) -> Sequence[Taxon]:
    """Taxa by a part of a scientific, canonical or vernacular name, by a key, by their checklist, or below others."""
    statement = select(Taxon)
    if name is not None:
        statement = statement.where(_named(name))
    if key is not None:
        statement = statement.where(Taxon.id.in_(select(TaxonKey.taxon_id).where(TaxonKey.key == key)))
    if checklist is not None:
        statement = statement.where(Taxon.id.in_(select(TaxonKey.taxon_id).where(TaxonKey.checklist == checklist)))
    if below:
        statement = statement.where(Taxon.id.in_(with_descendants(below)))
    return (await db.scalars(page_of(statement, [Taxon.id], page_request, [UUID], ids=ids))).all()


def _named(name: str) -> ColumnElement[bool]:
    """Whether one of a taxon's names has this part."""
    vernacular = func.jsonb_each_text(Taxon.vernacular_names).table_valued("key", "value").alias("vernacular")
    return or_(
        has_part(Taxon.scientific_name, name),
        has_part(Taxon.canonical_name, name),
        exists(select(1).select_from(vernacular).where(has_part(vernacular.c.value, name))),
    )


async def lock_name(db: Session, scientific_name: str) -> None:
    """Nobody else adds a taxon of this name until the transaction ends."""
    await db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"taxon {scientific_name.lower()}", 0))))


async def was_made_by(db: Session, taxon_id: UUID, request: IdempotentRequest) -> bool:
    """Whether this very request added the taxon before."""
    statement = select(Taxon.id).where(
        Taxon.id == taxon_id, Taxon.created_by == request.caller_id, Taxon.idempotency_key == request.key
    )
    return await db.scalar(statement) is not None


async def add_vernacular(db: Session, taxon_id: UUID, names: Mapping[str, str]) -> None:
    """Names in languages in which the taxon has none yet."""
    await db.execute(
        update(Taxon)
        .where(Taxon.id == taxon_id)
        .values(vernacular_names=literal(dict(names), Taxon.vernacular_names.type).op("||")(Taxon.vernacular_names))
    )


def with_descendants(taxon_ids: Sequence[UUID]) -> Select[UUID]:
    """The ids of these taxa and of all taxa below them."""
    above = aliased(Taxon)
    return select(Taxon.id).join(above, Taxon.path.startswith(above.path)).where(above.id.in_(taxon_ids))


async def keys_of(db: Session, ids: Sequence[UUID]) -> dict[UUID, list[TaxonKey]]:
    keys: dict[UUID, list[TaxonKey]] = {}
    for row in await db.scalars(select(TaxonKey).where(TaxonKey.taxon_id.in_(ids)).order_by(TaxonKey.checklist)):
        keys.setdefault(row.taxon_id, []).append(row)
    return keys


async def by_keys(db: Session, keys: set[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Taxa by checklist and key; for a synonym, its accepted taxon."""
    if not keys:
        return {}
    accepted = func.coalesce(Taxon.accepted_id, Taxon.id)
    statement = select(TaxonKey.checklist, TaxonKey.key, accepted).join(Taxon, Taxon.id == TaxonKey.taxon_id)
    rows = await db.execute(statement.where(tuple_(TaxonKey.checklist, TaxonKey.key).in_(keys)))
    return {(checklist, key): taxon_id for checklist, key, taxon_id in rows}


async def by_names(db: Session, names: set[str]) -> dict[str, UUID]:
    """Taxa by lower-case scientific or canonical name; an accepted one, then the oldest, where several share it.

    A synonym stands for its accepted taxon.
    """
    if not names:
        return {}
    scientific, canonical = func.lower(Taxon.scientific_name), func.lower(Taxon.canonical_name)
    statement = select(Taxon).where(or_(scientific.in_(names), canonical.in_(names)))
    statement = statement.order_by(Taxon.accepted_id.is_(None), Taxon.id.desc())
    ids: dict[str, UUID] = {}
    for row in await db.scalars(statement):
        ids[row.canonical_name.lower()] = row.accepted_id or row.id
        ids[row.scientific_name.lower()] = row.accepted_id or row.id
    return ids


async def add_key(db: Session, checklist: str, key: str, taxon_id: UUID) -> None:
    made = insert(TaxonKey).values(checklist=checklist, key=key, taxon_id=taxon_id)
    await db.execute(made.on_conflict_do_nothing())
