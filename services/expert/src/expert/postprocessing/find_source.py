"""Finds the source of a method: the model whose logits it reads, and what was derived from that model."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from expert.operations.state import Document
from expert.postprocessing import queries_algorithms as queries
from expert.postprocessing.errors import MethodRefused
from expert.postprocessing.queries_algorithms import KnownAlgorithm
from expert.postprocessing.queries_selection import Row, algorithms_with_logits
from expert.postprocessing.state import MethodKey, SkipReason
from trapper_kit.db import Session


@dataclass(frozen=True)
class Source:
    """A model, and the algorithms of masks and roll-ups that are derived from it."""

    algorithm: KnownAlgorithm
    category_map_id: UUID
    size: int
    """How many labels it has."""
    unresolved: int
    """How many of them name no known taxon."""
    derived: Mapping[UUID, KnownAlgorithm]

    @cached_property
    def family(self) -> frozenset[UUID]:
        """The model and what is derived from it."""
        return frozenset({self.algorithm.id, *self.derived})

    def method_of(self, algorithm_id: UUID) -> MethodKey | None:
        """The method of a derived algorithm; None for the model."""
        derived = self.derived.get(algorithm_id)
        return None if derived is None or derived.method is None else MethodKey(derived.method)

    def refusal(self, row: Row) -> SkipReason | None:
        """Why a row is left as it is whatever its logits say, or None."""
        reason = touched(row)
        if reason is None and row.terminal_algorithm_id not in self.family:
            return SkipReason.NOT_TERMINAL
        return reason


def touched(row: Row) -> SkipReason | None:
    """How a person has touched a row, or None."""
    if row.is_locked:
        return SkipReason.APPROVED
    if row.is_forked:
        return SkipReason.FORKED
    return SkipReason.IDENTIFIED if row.is_identified else None


async def find_source(db: Session, project_id: UUID, algorithm_id: UUID) -> Source:
    """The model behind an algorithm, with its labels.

    Raises MethodRefused for an algorithm that is unknown, has no category map, or whose logits the project has not.
    """
    algorithm = await queries.read_algorithm(db, algorithm_id)
    while algorithm is not None and algorithm.derived_from_id is not None and algorithm.method is not None:
        algorithm = await queries.read_algorithm(db, algorithm.derived_from_id)
    if algorithm is None or algorithm.id not in await algorithms_with_logits(db, project_id):
        raise MethodRefused(
            "the project has no logits of this algorithm: choose one of those that the options list, or keep logits"
        )
    if algorithm.category_map_id is None:
        raise MethodRefused(f"the algorithm {algorithm.name} has no category map, so its logits have no meaning")
    size, unresolved = await queries.count_labels(db, algorithm.category_map_id)
    methods = {MethodKey.CLASS_MASKING.value, MethodKey.RANK_ROLLUP.value}
    derived = {key: row for key, row in (await queries.derived_from(db, algorithm.id)).items() if row.method in methods}
    return Source(algorithm, algorithm.category_map_id, size, unresolved, derived)


async def kept_by(db: Session, mask: KnownAlgorithm) -> NDArray[np.intp]:
    """The indexes of the classes that a mask keeps."""
    return np.array(await queries.indexes_of(db, mask.category_map_id) if mask.category_map_id else [], np.intp)


def facts_of(source: Source) -> Document:
    """What a report says about the source."""
    return {"source_algorithm": source.algorithm.name, "source_labels": source.size}
