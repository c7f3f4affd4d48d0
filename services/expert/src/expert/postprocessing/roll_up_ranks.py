"""Rank roll-up: the lowest rank whose taxon gathers enough probability; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field

from expert.taxa.state import RANKS, TaxonRank

DEFAULT_THRESHOLDS = {TaxonRank.SPECIES: 0.8, TaxonRank.GENUS: 0.6, TaxonRank.FAMILY: 0.4}
TOLERANCE = 1e-6
"""Sums this close to a threshold count as equal to it; they are rounded, and come from rounded probabilities."""
_EQUAL = 1e-12
NO_LINEAGE = -1


def lower_case(mapping: object) -> object:
    """A mapping with its keys in lower case and without spaces around them."""
    return {str(key).strip().lower(): value for key, value in mapping.items()} if isinstance(mapping, dict) else mapping


def known_ranks(thresholds: dict[TaxonRank, float]) -> dict[TaxonRank, float]:
    """The thresholds; raises ValueError for `other`, which is no rank."""
    if TaxonRank.OTHER in thresholds:
        raise ValueError(f"give thresholds of one or more of these ranks: {', '.join(RANKS)}")
    return thresholds


Thresholds = Annotated[
    dict[TaxonRank, Annotated[float, Field(gt=0, le=1)]], BeforeValidator(lower_case), AfterValidator(known_ranks)
]


class RollUpMode(StrEnum):
    """`lineage` only generalizes the best label; `distribution` takes the best taxon of each rank."""

    LINEAGE = "lineage"
    DISTRIBUTION = "distribution"


@dataclass(frozen=True)
class Candidates:
    """The taxa of one rank above a model's labels; `group` has the index of its taxon for each label, or NO_LINEAGE."""

    rank: TaxonRank
    taxa: Sequence[str]
    group: NDArray[np.intp]

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        labels = np.flatnonzero(self.group >= 0)
        order = labels[np.argsort(self.group[labels], kind="stable")]
        return order, np.searchsorted(self.group[order], np.arange(len(self.taxa)))

    def sums(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability of each taxon: (rows, labels) to (rows, taxa)."""
        order, starts = self._sorted
        return np.add.reduceat(probabilities[:, order], starts, axis=1)


@dataclass(frozen=True)
class RolledUp:
    """The taxon that a row ends with, and the probability that it gathers."""

    rank: TaxonRank
    taxon: str
    score: float


def rank_candidates(lineages: Sequence[Mapping[TaxonRank, str]], ranks: Sequence[TaxonRank]) -> list[Candidates]:
    """The candidates of each rank, from the lowest rank to the highest; taxa in the order of their first label."""
    candidates: list[Candidates] = []
    for rank in sorted(ranks, key=RANKS.index, reverse=True):
        taxa: dict[str, int] = {}
        group = [
            taxa.setdefault(taxon, len(taxa)) if (taxon := lineage.get(rank)) else NO_LINEAGE for lineage in lineages
        ]
        if taxa:
            candidates.append(Candidates(rank, list(taxa), np.array(group, np.intp)))
    return candidates


def roll_up_rows(
    probabilities: NDArray[np.float64],
    candidates: Sequence[Candidates],
    thresholds: Mapping[TaxonRank, float],
    *,
    mode: RollUpMode = RollUpMode.LINEAGE,
    strictly_above: bool = False,
) -> list[RolledUp | None]:
    """The first rank, from the lowest, whose candidate reaches its threshold; None where no rank qualifies.

    `probabilities` has the shape (rows, labels), after any mask: a class that a mask excluded has 0. The candidate of a
    rank is the ancestor of the row's best label, or in the mode `distribution` the taxon with the largest sum; the one
    of the earlier label among equals.
    """
    results: list[RolledUp | None] = [None] * len(probabilities)
    best = probabilities.argmax(axis=1)
    margin = TOLERANCE if strictly_above else -TOLERANCE
    for candidate in candidates:
        sums = candidate.sums(probabilities)
        if mode is RollUpMode.LINEAGE:
            chosen = candidate.group[best]
        else:
            chosen = (sums >= sums.max(axis=1, keepdims=True) - _EQUAL).argmax(axis=1)
        reached = np.where(chosen < 0, 0.0, sums[np.arange(len(sums)), chosen])
        bound = thresholds[candidate.rank] + margin
        for row in np.flatnonzero(reached > bound if strictly_above else (reached >= bound) & (reached > 0)):
            if results[row] is None:
                results[row] = RolledUp(candidate.rank, candidate.taxa[int(chosen[row])], min(float(reached[row]), 1.0))
    return results
