"""Makes the smooth random fields that give ground, bark and fur their texture."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]


def resize_field(field: Field, width: int, height: int) -> Field:
    image = Image.fromarray(field.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float32)


def fractal(
    rng: np.random.Generator,
    width: int,
    height: int,
    cells: tuple[int, int],
    *,
    octaves: int = 4,
    persistence: float = 0.55,
) -> Field:
    """Sum of random grids, each twice as fine; the draws do not depend on the size, so scenes scale."""
    total = np.zeros((height, width), dtype=np.float32)
    weight, norm = 1.0, 0.0
    across, down = cells
    for _ in range(octaves):
        grid = rng.uniform(-1.0, 1.0, (down + 2, across + 2)).astype(np.float32)
        if down < 2 * height and across < 2 * width:
            total += weight * resize_field(grid, width, height)
        norm += weight
        weight *= persistence
        across, down = across * 2, down * 2
    return total / np.float32(norm)


def grain(rng: np.random.Generator, width: int, height: int) -> Field:
    """White noise, one value per pixel."""
    return rng.standard_normal((height, width), dtype=np.float32)
