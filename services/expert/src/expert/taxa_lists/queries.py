"""Statements about taxa lists and the taxa that they hold."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, column, delete, func, or_, select, table, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from expert.access.queries import readable_classification_projects
from expert.access.state import Caller
from expert.taxa.models import Taxon, TaxonKey
from expert.taxa_lists.models import TaxaList, TaxaListEntry
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, has_part, page_of

# What is needed of the tables above, by name.
_LABELS = table("category_labels", column("category_map_id"), column("taxon_id"))
_ALGORITHMS = table("algorithms", column("id"), column("category_map_id"))
_OBSERVATIONS = table("observations", column("classification_id"), column("taxon_id"))
_FINAL = table(
    "classifications", column("type"), column("classification_project_id"), column("source_classification_id")
)


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Global ones, and those of the caller's classification projects."""
    own = TaxaList.classification_project_id.in_(readable_classification_projects(caller))
    return or_(TaxaList.classification_project_id.is_(None), own)


async def entry_counts(db: Session, list_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The number of taxa of each list that has any."""
    statement = select(TaxaListEntry.taxa_list_id, func.count()).where(TaxaListEntry.taxa_list_id.in_(list_ids))
    rows = await db.execute(statement.group_by(TaxaListEntry.taxa_list_id))
    return {row[0]: row[1] for row in rows}


async def list_taxa(
    db: Session, list_id: UUID, page_request: PageRequest, *, ids: Sequence[UUID] | None, name: str | None
) -> Sequence[Taxon]:
    """A page of the taxa of a list, by a part of the scientific name."""
    statement = select(Taxon).join(TaxaListEntry, TaxaListEntry.taxon_id == Taxon.id)
    statement = statement.where(TaxaListEntry.taxa_list_id == list_id)
    if name is not None:
        statement = statement.where(has_part(Taxon.scientific_name, name))
    return (await db.scalars(page_of(statement, [Taxon.id], page_request, [UUID], ids=ids))).all()


async def taxon_ids(db: Session, list_id: UUID) -> Sequence[UUID]:
    """Every taxon of a list."""
    return (await db.scalars(select(TaxaListEntry.taxon_id).where(TaxaListEntry.taxa_list_id == list_id))).all()


async def add_entries(db: Session, list_id: UUID, ids: Collection[UUID]) -> int:
    """Put taxa into a list; how many were not in it."""
    rows = [{"taxa_list_id": list_id, "taxon_id": each} for each in sorted(set(ids))]
    if not rows:
        return 0
    statement = insert(TaxaListEntry).on_conflict_do_nothing().returning(TaxaListEntry.taxon_id)
    return len((await db.scalars(statement, rows)).all())


async def remove_entry(db: Session, list_id: UUID, taxon_id: UUID) -> bool:
    """Take a taxon out of a list; False when it was not in it."""
    statement = delete(TaxaListEntry).where(TaxaListEntry.taxa_list_id == list_id, TaxaListEntry.taxon_id == taxon_id)
    return await db.scalar(statement.returning(TaxaListEntry.taxon_id)) is not None


async def find_by_keys(db: Session, keys: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[UUID, UUID]]:
    """By checklist and key: the taxon, and its accepted one."""
    statement = select(TaxonKey.checklist, TaxonKey.key, Taxon.id, func.coalesce(Taxon.accepted_id, Taxon.id))
    statement = statement.join(Taxon, Taxon.id == TaxonKey.taxon_id)
    rows = await db.execute(statement.where(tuple_(TaxonKey.checklist, TaxonKey.key).in_(keys)))
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


async def find_by_names(db: Session, names: Collection[str]) -> Mapping[str, list[tuple[UUID, UUID]]]:
    """By scientific or canonical name in lower case: every taxon with its accepted one."""
    scientific, canonical = func.lower(Taxon.scientific_name), func.lower(Taxon.canonical_name)
    accepted = func.coalesce(Taxon.accepted_id, Taxon.id)
    statement = select(scientific, canonical, Taxon.id, accepted)
    found: dict[str, list[tuple[UUID, UUID]]] = {}
    for row in await db.execute(statement.where(or_(scientific.in_(names), canonical.in_(names)))):
        for name in {row[0], row[1]}:
            found.setdefault(name, []).append((row[2], row[3]))
    return found


async def names_of(db: Session, ids: Collection[UUID]) -> dict[UUID, str]:
    """The scientific names of taxa."""
    statement = select(Taxon.id, Taxon.scientific_name).where(Taxon.id.in_(ids))
    return {row[0]: row[1] for row in await db.execute(statement)}


async def is_algorithm(db: Session, algorithm_id: UUID) -> bool:
    """Whether there is such an algorithm."""
    return await db.scalar(select(_ALGORITHMS.c.id).where(_ALGORITHMS.c.id == algorithm_id)) is not None


async def taxa_of_algorithm(db: Session, algorithm_id: UUID) -> Sequence[UUID]:
    """The accepted taxa that the labels of a model name."""
    statement = (
        select(func.coalesce(Taxon.accepted_id, Taxon.id))
        .join(_LABELS, _LABELS.c.taxon_id == Taxon.id)
        .join(_ALGORITHMS, _ALGORITHMS.c.category_map_id == _LABELS.c.category_map_id)
        .where(_ALGORITHMS.c.id == algorithm_id)
    )
    return (await db.scalars(statement.distinct())).all()


async def taxa_approved_in(db: Session, classification_project_id: UUID) -> Sequence[UUID]:
    """The accepted taxa of a project's approved observations."""
    statement = (
        select(func.coalesce(Taxon.accepted_id, Taxon.id))
        .join(_OBSERVATIONS, _OBSERVATIONS.c.taxon_id == Taxon.id)
        .join(_FINAL, _FINAL.c.source_classification_id == _OBSERVATIONS.c.classification_id)
        .where(_FINAL.c.type == "final", _FINAL.c.classification_project_id == classification_project_id)
    )
    return (await db.scalars(statement.distinct())).all()


def allowed_taxa(list_id: UUID, *, include_descendants: bool) -> Select[UUID]:
    """The accepted taxa that a list allows: its entries and, if wanted, every taxon below them."""
    entries = select(TaxaListEntry.taxon_id).where(TaxaListEntry.taxa_list_id == list_id)
    if not include_descendants:
        return entries
    above = aliased(Taxon)
    return select(Taxon.id).join(above, Taxon.path.startswith(above.path)).where(above.id.in_(entries))
