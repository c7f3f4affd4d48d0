"""Registers a model as an algorithm, with its labels and the taxa they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from expert.algorithms import queries
from expert.algorithms.models import CategoryLabel
from expert.algorithms.state import AlgorithmKind
from expert.taxa.resolve import TaxonName, resolve_taxa
from expert.taxa.state import RANKS
from trapper_kit.db import Session
from trapper_kit.idempotency import fingerprint
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import NO_RANK, Label, ModelKind, ModelReply, ObjectType

_NO_TAXON = frozenset({ObjectType.HUMAN, ObjectType.VEHICLE})


@dataclass(frozen=True)
class Registered:
    """The algorithm, and its labels without a known taxon."""

    algorithm_id: UUID
    unresolved: tuple[str, ...]


async def register_algorithm(db: Session, model: ModelReply) -> Registered:
    """Registers the model; safe to repeat, and unresolved labels are tried again."""
    labels = model.spec.labels if model.spec is not None else ()
    category_map_id = await _register_labels(db, labels) if labels else None
    unresolved = await _resolve(db, category_map_id, model.kind) if category_map_id else ()
    key = f"{model.kind.value}:{model.name}:{model.version}:{model.sha256 or 'unpinned'}"
    values = {
        "id": uuid7(),
        "key": key,
        "name": model.name,
        "version": model.version,
        "kind": AlgorithmKind(model.kind.value),
        "sha256": model.sha256,
        "category_map_id": category_map_id,
        "parameters": {},
    }
    return Registered(await queries.insert_algorithm(db, values), unresolved)


async def _register_labels(db: Session, labels: Sequence[Label]) -> UUID:
    labels_print = fingerprint({"labels": [label.model_dump(mode="json") for label in labels]})
    known = await queries.map_by_print(db, labels_print)
    if known is not None:
        return known
    made = uuid7()
    rows: list[dict[str, Any]] = [
        {
            "category_map_id": made,
            "index": index,
            "label": label.label,
            "observation_type": label.observation_type,
            "scientific_name": label.scientific_name,
            "rank": label.rank,
            "common_name": label.common_name,
            "taxon_keys": [key.model_dump() for key in label.taxon_keys],
            "lineage": label.lineage,
        }
        for index, label in enumerate(labels)
    ]
    await queries.insert_map(db, {"id": made, "labels_print": labels_print, "size": len(rows)}, rows)
    above = {(name, rank) for label in labels for rank, name in label.lineage.items() if rank in RANKS}
    await resolve_taxa(db, [TaxonName(name, scientific_name=name, rank=rank) for name, rank in sorted(above)])
    return await queries.map_by_print(db, labels_print) or made


async def _resolve(db: Session, category_map_id: UUID, kind: ModelKind) -> tuple[str, ...]:
    rows = [
        row
        for row in await queries.labels_of(db, category_map_id)
        if row.taxon_id is None and _speaks_of_a_taxon(row, kind)
    ]
    taxon_ids = await resolve_taxa(db, [_name(row) for row in rows])
    for row, taxon_id in zip(rows, taxon_ids, strict=True):
        row.taxon_id = taxon_id
    await db.flush()
    return tuple(row.label for row, taxon_id in zip(rows, taxon_ids, strict=True) if taxon_id is None)


def _speaks_of_a_taxon(row: CategoryLabel, kind: ModelKind) -> bool:
    """Returns whether a label names a taxon: one of a classifier, or with a name or key."""
    if row.rank == NO_RANK or row.observation_type in _NO_TAXON:
        return False
    named = bool(row.scientific_name or row.taxon_keys)
    return named or kind is ModelKind.CLASSIFICATION


def _name(row: CategoryLabel) -> TaxonName:
    return TaxonName(
        label=row.label,
        scientific_name=row.scientific_name,
        rank=row.rank,
        common_name=row.common_name,
        keys=tuple((str(key["checklist"]), str(key["key"])) for key in row.taxon_keys),
    )
