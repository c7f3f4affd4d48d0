"""Statements about taxa."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from expert.taxa.models import Taxon, TaxonKey
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of


async def list_all(db: Session, page_request: PageRequest, *, name: str | None, key: str | None) -> Sequence[Taxon]:
    """All taxa; `name` is the beginning of a scientific or canonical name, whatever the case."""
    statement = select(Taxon)
    if name is not None:
        beginning = func.lower(name).concat("%")
        statement = statement.where(
            or_(func.lower(Taxon.scientific_name).like(beginning), func.lower(Taxon.canonical_name).like(beginning))
        )
    if key is not None:
        statement = statement.where(Taxon.id.in_(select(TaxonKey.taxon_id).where(TaxonKey.key == key)))
    return (await db.scalars(page_of(statement, [Taxon.id], page_request, [UUID]))).all()


def with_descendants(taxon_ids: Sequence[UUID]) -> Select[UUID]:
    """The ids of these taxa and of all taxa below them."""
    above = aliased(Taxon)
    return select(Taxon.id).join(above, Taxon.path.startswith(above.path)).where(above.id.in_(taxon_ids))


async def keys_of(db: Session, ids: Sequence[UUID]) -> dict[UUID, list[TaxonKey]]:
    found: dict[UUID, list[TaxonKey]] = {}
    for row in await db.scalars(select(TaxonKey).where(TaxonKey.taxon_id.in_(ids)).order_by(TaxonKey.checklist)):
        found.setdefault(row.taxon_id, []).append(row)
    return found


async def by_keys(db: Session, keys: set[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    if not keys:
        return {}
    statement = select(TaxonKey).where(tuple_(TaxonKey.checklist, TaxonKey.key).in_(keys))
    return {(row.checklist, row.key): row.taxon_id for row in await db.scalars(statement)}


async def by_names(db: Session, names: set[str]) -> dict[str, UUID]:
    """Taxa by lower-case scientific or canonical name; the oldest one where several share it."""
    if not names:
        return {}
    scientific, canonical = func.lower(Taxon.scientific_name), func.lower(Taxon.canonical_name)
    statement = select(Taxon).where(or_(scientific.in_(names), canonical.in_(names))).order_by(Taxon.id.desc())
    found: dict[str, UUID] = {}
    for row in await db.scalars(statement):
        found[row.canonical_name.lower()] = row.id
        found[row.scientific_name.lower()] = row.id
    return found


async def add_key(db: Session, checklist: str, key: str, taxon_id: UUID) -> None:
    made = insert(TaxonKey).values(checklist=checklist, key=key, taxon_id=taxon_id)
    await db.execute(made.on_conflict_do_nothing())
