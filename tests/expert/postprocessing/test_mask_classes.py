import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from expert.postprocessing.mask_classes import INVALID, NO_WINNER, mask_rows

INF = np.inf


def _mask(logits: object, kept: list[int], *, reweight: bool = True) -> tuple[int, float]:
    masked = mask_rows(np.array([logits]), np.array(kept), reweight=reweight)
    return int(masked.winners[0]), float(masked.scores[0])


def test_score_is_the_softmax_over_kept_classes_or_over_all() -> None:
    probabilities = np.log([0.5, 0.2, 0.1, 0.2])
    assert _mask(probabilities, [1, 2]) == (1, pytest.approx(2 / 3))
    assert _mask(probabilities, [1, 2], reweight=False) == (1, pytest.approx(0.2))


def test_first_of_equal_classes_wins() -> None:
    assert _mask([9.0, 1.0, 1.0], [1, 2]) == (1, pytest.approx(0.5))


def test_excluded_class_cannot_win_by_underflow() -> None:
    assert _mask([1e4, -1e4, -1e4 + 1], [1, 2], reweight=False) == (2, 0.0)
    assert _mask([1e4, -1e4, -1e4 + 1], [1, 2]) == (2, pytest.approx(1 / (1 + np.exp(-1))))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_without_a_finite_kept_logit_have_no_winner(dtype: type[np.floating]) -> None:
    logits = np.array([[1, -INF, -INF], [INF, 0, 0], [np.nan, 0, 0], [0, -INF, 1], [-INF, -INF, -INF]], dtype)
    masked = mask_rows(logits, np.array([1, 2]), reweight=True)
    assert masked.winners.tolist() == [NO_WINNER, INVALID, INVALID, 2, NO_WINNER]
    assert masked.scores[3] == 1.0
    assert np.isnan(masked.scores[[0, 1, 2, 4]]).all()


def test_half_precision_limits_are_exact() -> None:
    largest = float(np.finfo(np.float16).max)
    masked = mask_rows(np.array([[largest, -largest, 0]], np.float16), np.array([0, 1]), reweight=True)
    assert (masked.winners[0], masked.scores[0]) == (0, 1.0)


def test_mask_without_a_class_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one class"):
        mask_rows(np.zeros((1, 3)), np.array([], np.intp), reweight=True)


def test_rows_in_several_steps_are_those_of_one_step() -> None:
    logits = np.random.default_rng(1).normal(0, 8, (50, 29_176)).astype(np.float16)
    kept = np.arange(0, 29_176, 17)
    whole = mask_rows(logits, kept, reweight=False)
    for row in (0, 3, 4, 49):
        single = mask_rows(logits[row : row + 1], kept, reweight=False)
        assert (single.winners[0], single.scores[0]) == (whole.winners[row], whole.scores[row])


def _arrays(dtype: type[np.floating], elements: st.SearchStrategy[float]) -> st.SearchStrategy[NDArray[np.floating]]:
    shapes = st.tuples(st.integers(1, 4), st.integers(1, 12))
    return arrays.arrays(dtype, shapes, elements=elements | st.sampled_from([-INF, 0.0]))


LOGITS = st.one_of(
    _arrays(np.float16, st.floats(-60_000, 60_000, width=16)),
    _arrays(np.float32, st.floats(-60_000, 60_000, width=32)),
    _arrays(np.float64, st.floats(-60_000, 60_000)),
)


@given(LOGITS, st.data())
def test_winner_is_kept_and_the_same_with_and_without_reweight(
    logits: NDArray[np.floating], data: st.DataObject
) -> None:
    classes = logits.shape[1]
    kept = np.array(sorted(data.draw(st.sets(st.integers(0, classes - 1), min_size=1))))
    masked = {reweight: mask_rows(logits, kept, reweight=reweight) for reweight in (True, False)}
    assert masked[True].winners.tolist() == masked[False].winners.tolist()
    winning = masked[True].winners >= 0
    assert np.isin(masked[True].winners[winning], kept).all()
    for row in np.flatnonzero(winning):
        kept_logits = logits[row, kept]
        assert kept[list(kept_logits).index(kept_logits.max())] == masked[True].winners[row]
    for reweight in (True, False):
        scores = masked[reweight].scores[winning]
        assert ((scores >= 0) & (scores <= 1)).all()
    # Reweighting never lowers a score; the last bits may differ, because the sums add in different orders.
    assert (masked[True].scores[winning] >= masked[False].scores[winning] * (1 - 1e-12)).all()


@given(LOGITS)
def test_mask_of_every_class_is_the_plain_softmax(logits: NDArray[np.floating]) -> None:
    every = np.arange(logits.shape[1])
    reweighted, plain = (mask_rows(logits, every, reweight=reweight) for reweight in (True, False))
    # The two sums add in different orders, so the last bits may differ.
    np.testing.assert_allclose(reweighted.scores, plain.scores, rtol=1e-12)
    assert np.array_equal(
        reweighted.winners, np.where(np.isneginf(logits.max(axis=1)), NO_WINNER, logits.argmax(axis=1))
    )
