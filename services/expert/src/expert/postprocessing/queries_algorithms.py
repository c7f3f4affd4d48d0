"""Statements about source algorithms, their labels, and the output algorithms of methods."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import or_, select

from expert.algorithms import queries as algorithms
from expert.algorithms.models import Algorithm, CategoryLabel
from expert.algorithms.state import AlgorithmKind
from expert.postprocessing.state import PARAMETER, MethodKey
from expert.taxa.models import Taxon
from expert.taxa_lists.models import TaxaList
from expert.taxa_lists.queries import allowed_taxa
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7

_LONGEST_NAME = 200


@dataclass(frozen=True)
class MapLabel:
    """A label of a model by its index."""

    index: int
    label: str
    taxon_id: UUID | None


@dataclass(frozen=True)
class KnownAlgorithm:
    """An algorithm as it was read; unlike the row it outlives its transaction."""

    id: UUID
    name: str
    version: str
    category_map_id: UUID | None
    derived_from_id: UUID | None
    parameters: Mapping[str, object]

    @property
    def method(self) -> str | None:
        """The method that made it; None for a model."""
        method = self.parameters.get(PARAMETER)
        return None if method is None else str(method)


_KNOWN = (
    Algorithm.id,
    Algorithm.name,
    Algorithm.version,
    Algorithm.category_map_id,
    Algorithm.derived_from_id,
    Algorithm.parameters,
)


async def read_algorithm(db: Session, algorithm_id: UUID) -> KnownAlgorithm | None:
    """The algorithm, or None."""
    row = (await db.execute(select(*_KNOWN).where(Algorithm.id == algorithm_id))).one_or_none()
    return None if row is None else KnownAlgorithm(*row)


async def labels_of(db: Session, category_map_id: UUID) -> list[MapLabel]:
    """The labels of a category map in index order."""
    statement = (
        select(CategoryLabel.index, CategoryLabel.label, CategoryLabel.taxon_id)
        .where(CategoryLabel.category_map_id == category_map_id)
        .order_by(CategoryLabel.index)
    )
    return [MapLabel(*row) for row in await db.execute(statement)]


async def derived_from(db: Session, algorithm_id: UUID) -> dict[UUID, KnownAlgorithm]:
    """Every algorithm that is derived from this one by methods, at any distance."""
    chain = select(Algorithm.id).where(Algorithm.id == algorithm_id).cte("chain", recursive=True)
    chain = chain.union(select(Algorithm.id).join(chain, Algorithm.derived_from_id == chain.c.id))
    statement = select(*_KNOWN).where(Algorithm.id.in_(select(chain.c.id)), Algorithm.id != algorithm_id)
    return {row[0]: KnownAlgorithm(*row) for row in await db.execute(statement)}


async def accepted_taxa(db: Session, taxon_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Each of these taxa that is known, with its accepted taxon."""
    statement = select(Taxon.id, Taxon.accepted_id).where(Taxon.id.in_(taxon_ids))
    return {taxon_id: accepted_id or taxon_id for taxon_id, accepted_id in await db.execute(statement)}


async def find_taxa_list(db: Session, project_id: UUID, taxa_list_id: UUID) -> TaxaList | None:
    """The list when it is of the project or of everybody."""
    of_project = TaxaList.classification_project_id == project_id
    statement = select(TaxaList).where(
        TaxaList.id == taxa_list_id, or_(TaxaList.classification_project_id.is_(None), of_project)
    )
    return await db.scalar(statement)


async def list_allowed(db: Session, taxa_list_id: UUID, *, include_descendants: bool) -> set[UUID]:
    """The accepted taxa that a list allows."""
    return set((await db.scalars(allowed_taxa(taxa_list_id, include_descendants=include_descendants))).all())


async def lineages_of(db: Session, taxon_ids: Collection[UUID]) -> dict[UUID, list[tuple[str, UUID, str]]]:
    """The rank, id and name of each taxon and its ancestors, in two statements."""
    paths = (await db.execute(select(Taxon.id, Taxon.path).where(Taxon.id.in_(taxon_ids)))).all()
    above = {taxon_id: [UUID(part) for part in path.split("/") if part] for taxon_id, path in paths}
    named = {ancestor for ancestors in above.values() for ancestor in ancestors}
    statement = select(Taxon.id, Taxon.rank, Taxon.canonical_name).where(Taxon.id.in_(named), Taxon.rank.is_not(None))
    ranks = {row[0]: (row[1] or "", row[0], row[2]) for row in await db.execute(statement)}
    return {taxon_id: [ranks[each] for each in ancestors if each in ranks] for taxon_id, ancestors in above.items()}


async def output_algorithm(
    db: Session,
    method: MethodKey,
    source: KnownAlgorithm,
    parameters: Mapping[str, object],
    *,
    name: str,
    labels: Sequence[MapLabel] | None = None,
) -> UUID:
    """The algorithm of a method with these parameters on this source; made when it is new.

    With `labels` it has a category map of its own, whose indexes are those of the source; otherwise the source's.
    """
    meaning = {"source": str(source.id), PARAMETER: method.value, **parameters}
    key = f"{method.value}:{content_print(meaning)}"
    map_id = source.category_map_id if labels is None else await _own_map(db, labels)
    values = {
        "id": uuid7(),
        "key": key,
        "name": f"{source.name} ({name})"[:_LONGEST_NAME],
        "version": source.version,
        "kind": AlgorithmKind.POST_PROCESSING,
        "category_map_id": map_id,
        "derived_from_id": source.id,
        "parameters": {PARAMETER: method.value, **parameters},
    }
    return await algorithms.insert_algorithm(db, values)


async def _own_map(db: Session, labels: Sequence[MapLabel]) -> UUID:
    content = [[each.index, each.label, str(each.taxon_id)] for each in labels]
    labels_print = f"kept:{content_print(content)}"
    known = await algorithms.map_by_print(db, labels_print)
    if known is not None:
        return known
    made = uuid7()
    rows = [{"category_map_id": made, **vars(each)} for each in labels]
    await algorithms.insert_map(db, {"id": made, "labels_print": labels_print, "size": len(rows)}, rows)
    return await algorithms.map_by_print(db, labels_print) or made


def content_print(content: object) -> str:
    """The SHA-256 of a JSON document."""
    return sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
