import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert.postprocessing.roll_up_ranks import RollUpMode, rank_candidates, roll_up_rows
from expert.taxa.state import TaxonRank

SPECIES, GENUS, FAMILY, CLASS = TaxonRank.SPECIES, TaxonRank.GENUS, TaxonRank.FAMILY, TaxonRank.CLASS
LINEAGES = [
    {SPECIES: "Canis lupus", GENUS: "Canis", FAMILY: "Canidae", CLASS: "Mammalia"},
    {SPECIES: "Canis latrans", GENUS: "Canis", FAMILY: "Canidae", CLASS: "Mammalia"},
    {SPECIES: "Vulpes vulpes", GENUS: "Vulpes", FAMILY: "Canidae", CLASS: "Mammalia"},
    {CLASS: "Aves"},
    {},
]
THRESHOLDS = {SPECIES: 0.8, GENUS: 0.6, FAMILY: 0.4}


def _roll_up(
    scores: list[float],
    thresholds: dict[TaxonRank, float] = THRESHOLDS,
    *,
    mode: RollUpMode = RollUpMode.LINEAGE,
    strictly_above: bool = False,
) -> tuple[TaxonRank, str, float] | None:
    candidates = rank_candidates(LINEAGES, list(thresholds))
    (result,) = roll_up_rows(np.array([scores]), candidates, thresholds, mode=mode, strictly_above=strictly_above)
    return None if result is None else (result.rank, result.taxon, round(result.score, 9))


@pytest.mark.parametrize(
    ("scores", "rank", "taxon", "score"),
    [
        ([0.85, 0.05, 0.05, 0.05, 0.0], SPECIES, "Canis lupus", 0.85),
        ([0.45, 0.2, 0.1, 0.15, 0.1], GENUS, "Canis", 0.65),
        ([0.3, 0.1, 0.15, 0.2, 0.25], FAMILY, "Canidae", 0.55),
    ],
)
def test_lowest_rank_that_reaches_its_threshold_wins(
    scores: list[float], rank: TaxonRank, taxon: str, score: float
) -> None:
    assert _roll_up(scores) == (rank, taxon, score)


def test_no_rank_qualifies_without_enough_probability() -> None:
    assert _roll_up([0.2, 0.1, 0.05, 0.35, 0.3]) is None


def test_label_without_lineage_counts_for_no_rank() -> None:
    assert _roll_up([0.1, 0.1, 0.1, 0.0, 0.7], {CLASS: 0.2}) is None
    assert _roll_up([0.1, 0.1, 0.1, 0.0, 0.7], {CLASS: 0.2}, mode=RollUpMode.DISTRIBUTION) == (CLASS, "Mammalia", 0.3)


def test_lineage_mode_only_generalizes_the_best_label() -> None:
    scores = [0.2, 0.2, 0.2, 0.4, 0.0]
    assert _roll_up(scores, {FAMILY: 0.5}) is None  # the best label is a bird, without a family
    assert _roll_up(scores, {FAMILY: 0.5}, mode=RollUpMode.DISTRIBUTION) == (FAMILY, "Canidae", 0.6)


def test_rounding_of_a_sum_does_not_decide() -> None:
    assert sum([0.1, 0.7]) < 0.8
    assert _roll_up([0.7, 0.1, 0.0, 0.2, 0.0], {GENUS: 0.8}) == (GENUS, "Canis", 0.8)
    assert _roll_up([0.3, 0.2999999, 0.0, 0.0, 0.0], {GENUS: 0.6}) is not None
    assert _roll_up([0.7, 0.1, 0.0, 0.2, 0.0], {GENUS: 0.8}, strictly_above=True) is None
    assert _roll_up([0.7, 0.11, 0.0, 0.19, 0.0], {GENUS: 0.8}, strictly_above=True) is not None


def test_earlier_label_wins_among_equal_taxa() -> None:
    result = _roll_up([0.0, 0.3, 0.3, 0.4, 0.0], {GENUS: 0.2}, mode=RollUpMode.DISTRIBUTION)
    assert result == (GENUS, "Canis", 0.3)


@given(
    st.lists(st.floats(0, 1), min_size=5, max_size=5).filter(any),
    st.sets(st.integers(0, 4)),
    st.sampled_from(list(RollUpMode)),
)
def test_class_that_a_mask_excluded_never_comes_back(scores: list[float], excluded: set[int], mode: RollUpMode) -> None:
    kept = np.array([0.0 if index in excluded else score for index, score in enumerate(scores)])
    if not kept.any():
        return
    result = _roll_up(list(kept / kept.sum()), {SPECIES: 0.01, GENUS: 0.01, CLASS: 0.01}, mode=mode)
    if result is not None:
        rank, taxon, _ = result
        supporting = [index for index, lineage in enumerate(LINEAGES) if lineage.get(rank) == taxon]
        assert any(kept[index] > 0 for index in supporting)
        assert set(supporting) - excluded
