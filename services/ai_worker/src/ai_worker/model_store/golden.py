"""The golden inputs: pictures that are the same everywhere, so that devices and days can be compared."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ai_worker.inference.forward import forward
from ai_worker.inference.preprocess import to_input
from ai_worker.inference.types import Pixels, Session, Tensor
from trapper_schemas.v1.models import Preprocessing

_DECIMALS = 2
"""What a checksum looks at: the last digits differ between processors."""


@dataclass(frozen=True, slots=True)
class Golden:
    """One golden input and what came out, per output of the session."""

    name: str
    outputs: list[Tensor]
    seconds: float


def golden_pictures(width: int, height: int) -> dict[str, Pixels]:
    """Flat grey, a gradient, and seeded noise, in the model's own size."""
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
    """One forward pass for each golden input."""
    runs: list[Golden] = []
    for name, pixels in golden_pictures(how.width, how.height).items():
        tensor, _ = to_input(pixels, how)
        start = clock()
        outputs = forward(session, [tensor])[0]
        runs.append(Golden(name, outputs, clock() - start))
    return runs


def checksum(runs: Sequence[Golden]) -> str:
    """A short name for the numbers that came out, to two decimals of each output's largest."""
    digest = hashlib.sha256()
    for run in runs:
        for output in run.outputs:
            values = np.asarray(output, dtype=np.float64)
            largest = np.abs(values).max(initial=0) or 1.0
            digest.update(np.rint(values / largest * 10**_DECIMALS).astype("<i4").tobytes())
    return digest.hexdigest()[:16]


def difference(ours: Sequence[Golden], theirs: Sequence[Golden]) -> float:
    """The largest difference between two devices' numbers, relative to each output's largest."""
    worst = 0.0
    for mine, other in zip(ours, theirs, strict=True):
        for left, right in zip(mine.outputs, other.outputs, strict=True):
            reference = np.asarray(right, dtype=np.float64)
            largest = np.abs(reference).max(initial=0) or 1.0
            worst = max(worst, float(np.abs(np.asarray(left, dtype=np.float64) - reference).max(initial=0) / largest))
    return worst
