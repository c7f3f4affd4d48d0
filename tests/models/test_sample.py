"""Proves that the sample photos are what a trial needs: three cameras, bursts, times, and the truth of each."""

import hashlib
import json
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from render.scenes import random_photo
from render.species import SPECIES

Photo = dict[str, Any]
DATE_TIME_ORIGINAL, EXIF_IFD, MAKE, MODEL = 0x9003, 0x8769, 0x010F, 0x0110


@pytest.fixture(scope="module")
def photos(models_folder: Path) -> list[Photo]:
    return json.loads((models_folder / "sample.json").read_text())["photos"]


def test_the_sample_has_sixty_photos_of_three_cameras_and_its_truth_names_each(
    models_folder: Path, photos: list[Photo]
) -> None:
    folder = models_folder / "sample"
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.JPG"))
    assert files == sorted(photo["file"] for photo in photos)
    assert len(files) >= 60
    assert {photo["deployment"] for photo in photos} == {"forest-edge", "meadow", "river-track"}
    assert sum(file.stat().st_size for file in folder.rglob("*.JPG")) < 8_000_000


def test_each_photo_carries_its_time_and_its_camera(models_folder: Path, photos: list[Photo]) -> None:
    for photo in photos:
        with Image.open(models_folder / "sample" / photo["file"]) as image:
            exif = image.getexif()
            taken = datetime.strptime(exif.get_ifd(EXIF_IFD)[DATE_TIME_ORIGINAL], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007  # EXIF has no zone
            assert image.size == (1280, 960)
        assert taken.isoformat() == photo["taken_at"]
        assert exif[MAKE]
        assert exif[MODEL]


def test_photos_come_in_bursts_of_three_within_seconds(photos: list[Photo]) -> None:
    for _, burst in groupby(photos, key=lambda photo: (photo["deployment"], photo["burst"])):
        times = [datetime.fromisoformat(photo["taken_at"]) for photo in burst]
        assert len(times) == 3
        assert 0 < (times[-1] - times[0]).total_seconds() <= 10


def test_the_sample_shows_every_species_people_vehicles_and_nothing_by_day_and_night(photos: list[Photo]) -> None:
    boxes = [box for photo in photos for box in photo["boxes"]]
    assert {box["species"] for box in boxes if box["category"] == "animal"} == set(SPECIES)
    assert {box["category"] for box in boxes} == {"animal", "human", "vehicle"}
    assert {photo["night"] for photo in photos} == {True, False}
    empty = sum(not photo["boxes"] for photo in photos)
    assert 0.2 <= empty / len(photos) <= 0.45


def test_boxes_lie_within_their_photos(photos: list[Photo]) -> None:
    for box in (box for photo in photos for box in photo["boxes"]):
        assert box["width"] > 0
        assert box["height"] > 0
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 1.00001
        assert 0 <= box["y"] <= box["y"] + box["height"] <= 1.00001


def test_a_seed_always_gives_the_same_photo() -> None:
    first, second, other = (random_photo(seed, 320, 240) for seed in (3_000_500, 3_000_500, 3_000_501))
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image, _ in (first, second, other)]
    assert digests[0] == digests[1] != digests[2]
    assert first[1] == second[1]
