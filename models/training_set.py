"""Renders the training photos once and keeps them on disk: small pictures with boxes, and crops of the animals."""

import argparse
import io
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from render.scenes import CATEGORIES, Truth, random_photos
from render.species import SPECIES

FIRST_SEED = 1_000_000
SHOTS = 3
PICTURE = (320, 240)
CROP = 128
MARGIN = 0.35  # more than the ten percent that the model will see, so that boxes can be jittered
_FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.BOX, Image.Resampling.LANCZOS)

Pixels = NDArray[np.uint8]
Row = tuple[int, float, float, float, float]
Inner = tuple[float, float, float, float]


def stored_and_read(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """The photo after a camera's JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(55, 96)))
    return Image.open(buffer).convert("RGB")


def cut_crop(image: Image.Image, box: Truth) -> tuple[Pixels, Inner]:
    """The animal with a margin, as far as the photo reaches, squashed to a square; and where in it the box lies."""
    width, height = image.size
    left, top = max(0.0, box.x - MARGIN * box.width), max(0.0, box.y - MARGIN * box.height)
    right = min(1.0, box.x + (1 + MARGIN) * box.width)
    bottom = min(1.0, box.y + (1 + MARGIN) * box.height)
    pixels = image.resize(
        (CROP, CROP), Image.Resampling.BILINEAR, (left * width, top * height, right * width, bottom * height)
    )
    wide, high = right - left, bottom - top
    inner = (box.x - left) / wide, (box.y - top) / high, box.width / wide, box.height / high
    return np.asarray(pixels), inner


def render_place(seed: int) -> tuple[list[Pixels], list[list[Row]], list[tuple[Pixels, Inner]], list[int]]:
    rng = np.random.default_rng([seed, 61])
    width = 640 if rng.random() < 0.88 else 1120
    pictures: list[Pixels] = []
    rows: list[list[Row]] = []
    crops: list[tuple[Pixels, Inner]] = []
    names: list[int] = []
    for photo, boxes in random_photos(seed, width, width * 3 // 4, SHOTS):
        image = stored_and_read(rng, photo)
        small = image.resize(PICTURE, _FILTERS[int(rng.integers(len(_FILTERS)))])
        pictures.append(np.asarray(small))
        rows.append([(CATEGORIES.index(box.category), box.x, box.y, box.width, box.height) for box in boxes])
        for box in boxes:
            if box.species is not None:
                crops.append(cut_crop(image, box))
                names.append(SPECIES.index(box.species))
    return pictures, rows, crops, names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--places", type=int, default=1400)
    parser.add_argument("--first", type=int, default=FIRST_SEED)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    seeds = range(options.first, options.first + options.places)
    with ProcessPoolExecutor(options.processes) as pool:
        results = list(pool.map(render_place, seeds, chunksize=10))
    pictures = [picture for result in results for picture in result[0]]
    rows = [row for result in results for row in result[1]]
    table = [(index, *row) for index, boxes in enumerate(rows) for row in boxes]
    np.save(options.out / "pictures.npy", np.stack(pictures))
    np.save(options.out / "boxes.npy", np.asarray(table, dtype=np.float32))
    np.save(options.out / "crops.npy", np.stack([crop for result in results for crop, _ in result[2]]))
    np.save(
        options.out / "inner.npy", np.asarray([inner for result in results for _, inner in result[2]], dtype=np.float32)
    )
    np.save(options.out / "species.npy", np.asarray([name for result in results for name in result[3]], dtype=np.int64))
    print(f"{len(pictures)} photos, {len(table)} boxes")


if __name__ == "__main__":
    main()
