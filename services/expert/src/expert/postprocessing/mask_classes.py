"""Class masking: the best class among those that a taxa list keeps, computed from logits; pure."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_VALUES_AT_ONCE = 1 << 17
"""Values of a step in double precision: 1 MiB, which stays in the processor's cache."""
NO_WINNER = -1
"""The index that stands for a row in which every kept class has the probability 0."""
INVALID = -2
"""The index that stands for a row with a NaN or +inf among its logits."""


@dataclass(frozen=True)
class MaskedRows:
    """Per row the index of the winning class, or NO_WINNER or INVALID, and its score, which is NaN for those two."""

    winners: NDArray[np.intp]
    scores: NDArray[np.float64]


def mask_rows(logits: NDArray[np.floating], kept: NDArray[np.intp], *, reweight: bool) -> MaskedRows:
    """The winner among the kept classes of each row, and its probability.

    `logits` has the shape (rows, classes); -inf is a probability of 0. `kept` are ascending indices of classes, at
    least one.
    The winner is the first largest kept logit, whatever `reweight` is. With `reweight` its score is the softmax over
    the kept classes, otherwise the softmax over all classes.
    """
    if not kept.size:
        raise ValueError("a mask keeps at least one class")
    count, classes = logits.shape
    winners = np.empty(count, np.intp)
    scores = np.empty(count, np.float64)
    step = max(1, _VALUES_AT_ONCE // max(classes, 1))
    for start in range(0, count, step):
        rows = slice(start, start + step)
        chunk = logits[rows]
        kept_logits = chunk[:, kept].astype(np.float64)
        best = kept_logits.argmax(axis=1)
        top = kept_logits[np.arange(len(best)), best]
        winners[rows] = np.where(np.isneginf(top), NO_WINNER, kept[best])
        winners[rows][has_invalid(chunk)] = INVALID
        with np.errstate(invalid="ignore"):
            total = log_sum_exp(kept_logits if reweight else chunk.astype(np.float64))
            scores[rows] = np.where(winners[rows] < 0, np.nan, np.exp(np.minimum(top - total, 0.0)))
    return MaskedRows(winners, scores)


def rank_kept(
    logits: NDArray[np.floating], kept: NDArray[np.intp], scores: NDArray[np.float64], *, top: int
) -> list[list[tuple[int, float]]]:
    """The best kept classes of each row that have a score, best first; the first of equal ones is the winner.

    `scores` are those of the winners, from which the others follow.
    """
    ranked: list[list[tuple[int, float]]] = []
    step = max(1, _VALUES_AT_ONCE // kept.size)
    for start in range(0, len(logits), step):
        kept_logits = logits[start : start + step][:, kept].astype(np.float64)
        every = np.arange(len(kept_logits))
        columns: list[tuple[list[int], list[float]]] = []
        for _ in range(min(top, kept.size)):
            best = kept_logits.argmax(axis=1)
            columns.append((kept[best].tolist(), kept_logits[every, best].tolist()))
            kept_logits[every, best] = -np.inf
        for row, score in enumerate(scores[start : start + step].tolist()):
            first = columns[0][1][row]
            values = [(indexes[row], score * math.exp(logit[row] - first)) for indexes, logit in columns]
            ranked.append([pair for place, pair in enumerate(values) if place == 0 or pair[1] > 0])
    return ranked


def log_sum_exp(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of the sum of exponentials of each row; -inf for a row of -inf only."""
    top = logits.max(axis=1)
    shift = np.where(np.isneginf(top), 0.0, top)
    shifted = logits - shift[:, None]
    with np.errstate(divide="ignore", under="ignore"):
        return shift + np.log(np.exp(shifted, out=shifted).sum(axis=1))


def has_invalid(logits: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which rows hold a NaN or +inf."""
    if logits.dtype != np.float16:
        return np.logical_not((logits < np.inf).all(axis=1))
    bits = np.ascontiguousarray(logits).view(np.uint16)  # comparing halves converts each of them
    not_finite = (bits & 0x7C00) == 0x7C00  # noqa: PLR2004 - the exponent of NaN and both infinities
    if not not_finite.any():
        return np.zeros(len(logits), np.bool_)
    return (not_finite & (bits != 0xFC00)).any(axis=1)  # noqa: PLR2004 - minus infinity
