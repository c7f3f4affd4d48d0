"""Golden inputs: the same pictures everywhere, to compare devices and versions."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ai_worker.inference.detect import raw_of
from ai_worker.inference.forward import forward
from ai_worker.inference.predictors.family import Raw
from ai_worker.inference.predictors.read import reader_of
from ai_worker.inference.predictors.registry import family
from ai_worker.inference.preprocess import to_input
from ai_worker.inference.types import Boxes, Pixels, Session, Tensor
from trapper_schemas.v1.models import GoldenOutput, GoldenRun, ModelSpec, Preprocessing

_DECIMALS = 2
"""What a checksum looks at: the last digits differ between processors."""
_SAMPLES = 256
_MOST_AXES = 8
_HUGE = 1e30
_SCORES, _OBJECTS = "scores", "objects"
_LEAST_SCALE = 0.05
"""Where nothing is found, confidences are so small that their last digits say nothing about a device."""
_LEAST_SCORE = 1e-6
"""Below it lies what fills a table up."""


@dataclass(frozen=True, slots=True)
class Golden:
    """One golden input and the outputs of the session."""

    name: str
    outputs: list[Tensor]
    seconds: float


def golden_pictures(width: int, height: int) -> dict[str, Pixels]:
    """Returns flat grey, a gradient, and seeded noise, in the model's size."""
    across = np.linspace(0, 255, width)[None, :, None]
    down = np.linspace(0, 255, height)[:, None, None]
    gradient = np.concatenate([across + 0 * down, down + 0 * across, (across + down) / 2], axis=2)
    noise = np.random.Generator(np.random.PCG64(1)).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return {
        "flat": np.full((height, width, 3), 114, dtype=np.uint8),
        "gradient": gradient.astype(np.uint8),
        "noise": noise,
    }


def run_golden(session: Session, how: Preprocessing, clock: Callable[[], float]) -> list[Golden]:
    """Runs one forward pass for each golden input."""
    runs: list[Golden] = []
    for name, pixels in golden_pictures(how.width, how.height).items():
        tensor, _ = to_input(pixels, how)
        start = clock()
        outputs = forward(session, [tensor])[0]
        runs.append(Golden(name, outputs, clock() - start))
    return runs


def checksum(runs: Sequence[Golden]) -> str:
    """Returns a short checksum of the outputs, rounded to two decimals of each output's maximum."""
    digest = hashlib.sha256()
    for run in runs:
        for output in run.outputs:
            values = _finite(output)
            largest = np.abs(values).max(initial=0) or 1.0
            digest.update(np.rint(values / largest * 10**_DECIMALS).astype("<i4").tobytes())
    return digest.hexdigest()[:16]


def golden_run(
    names: Sequence[str], spec: ModelSpec, runs: Sequence[Golden], *, provider: str, precision: str
) -> GoldenRun:
    """Returns the golden run as it is published for comparison."""
    return GoldenRun(
        provider=provider,
        precision=precision,
        checksum=checksum(runs),
        inputs=tuple(
            tuple(_golden_output(name, values) for name, values in comparable(names, spec, run)) for run in runs
        ),
    )


def compare_runs(ours: GoldenRun, published: GoldenRun) -> float:
    """Returns the largest difference to the published run, relative to each output's maximum, or infinity."""
    if len(ours.inputs) != len(published.inputs):
        return math.inf
    worst = 0.0
    for mine, theirs in zip(ours.inputs, published.inputs, strict=True):
        by_name = {output.name: output for output in mine}
        if set(by_name) != {output.name for output in theirs}:
            return math.inf
        for expected in theirs:
            output = by_name[expected.name]
            if output.shape != expected.shape:
                return math.inf
            left, right = (np.asarray([golden.largest, *golden.sampled]) for golden in (output, expected))
            worst = max(worst, _apart(expected.name, left, right, expected.largest))
    return worst


def difference(names: Sequence[str], spec: ModelSpec, ours: Sequence[Golden], theirs: Sequence[Golden]) -> float:
    """Returns the largest difference between two runs on this machine, over all numbers, relative as above."""
    worst = 0.0
    for mine, expected in zip(ours, theirs, strict=True):
        pairs = zip(comparable(names, spec, mine), comparable(names, spec, expected), strict=True)
        for (name, left), (_, right) in pairs:
            worst = max(worst, _apart(name, _finite(left), _finite(right), _largest(right)))
    return worst


def comparable(names: Sequence[str], spec: ModelSpec, run: Golden) -> list[tuple[str, Tensor]]:
    """Returns the outputs as numbers that two devices must agree on.

    A detector's places are far larger than its scores, which would hide a wrong score, so they are looked at apart.
    A graph that suppresses by itself sorts what it found: two devices that differ in the last digit answer in another
    order, and the least likely objects are others altogether. So its objects are added up, each by its score.
    """
    known = family(spec.predictor)
    if not known.readers:
        return list(zip(names, run.outputs, strict=True))
    raw = raw_of(run.outputs, spec, names=names, floor=_LEAST_SCORE)
    reader = reader_of(raw, known)
    boxes = reader.read(raw)  # refuses what is no answer of this family
    if reader.split is not None:
        places, scores = reader.split(raw)
        return [("places", places), (_SCORES, scores)]
    return [(_OBJECTS, _moments(boxes, raw))]


def _moments(boxes: Boxes, raw: Raw) -> Tensor:
    """Returns for each class the sum of its scores and of its corners weighted by them."""
    sides = np.asarray([raw.width, raw.height] * 2, np.float64)
    parts = np.concatenate([np.ones((len(boxes), 1)), boxes.corners.astype(np.float64) / sides], axis=1)
    sums = np.zeros((raw.classes, parts.shape[1]))
    np.add.at(sums, boxes.labels, parts * boxes.scores.astype(np.float64)[:, None])
    return sums


def _golden_output(name: str, values: Tensor) -> GoldenOutput:
    flat = _finite(values).reshape(-1)
    places = np.linspace(0, max(flat.size - 1, 0), min(flat.size, _SAMPLES)).round().astype(np.int64)
    return GoldenOutput(
        name=name,
        shape=np.shape(values) if np.ndim(values) <= _MOST_AXES else (flat.size,),
        largest=_largest(values),
        sampled=tuple(float(value) for value in flat[places]),
    )


def _largest(values: Tensor) -> float:
    numbers = np.asarray(values, dtype=np.float64)
    return float(np.abs(numbers[np.isfinite(numbers)]).max(initial=0))


def _finite(values: Tensor) -> Tensor:
    """Returns numbers that JSON can hold; NaN counts as the largest difference."""
    return np.nan_to_num(np.asarray(values, dtype=np.float64), nan=_HUGE, posinf=_HUGE, neginf=-_HUGE)


def _apart(name: str, ours: Tensor, theirs: Tensor, largest: float) -> float:
    if np.shape(ours) != np.shape(theirs):
        return math.inf
    scale = max(largest, _LEAST_SCALE if name in (_SCORES, _OBJECTS) else 0.0) or 1.0
    return float(np.abs(ours - theirs).max(initial=0) / scale)
