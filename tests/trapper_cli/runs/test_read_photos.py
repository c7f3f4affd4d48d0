import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from trapper_cli.runs.read_photos import read_photos, read_time
from trapper_cli.runs.scan import scan_folder

JPEG = b"\xff\xd8\xff\xe0"


def test_every_photo_is_hashed_and_a_vanished_one_is_a_failure(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.jpg").write_bytes(JPEG + bytes([number % 3]) * 1000)
    photos = scan_folder(tmp_path, warn=print).photos
    (tmp_path / "7.jpg").unlink()
    steps: list[int] = []
    contents = read_photos(photos, warn=print, on_photo=lambda: steps.append(1))
    hashes = {name: content.sha256 for name, content in contents.photos.items()}
    assert len(steps) == 20
    assert [(each.relative, each.is_unread) for each in contents.failures] == [("7.jpg", True)]
    assert hashes["4.jpg"] == hashlib.sha256(JPEG + b"\x01" * 1000).hexdigest() == hashes["1.jpg"]
    assert len(hashes) == 19
    assert len(set(hashes.values())) == 3


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({0x9003: "2023:06:15 14:30:00", 0x0132: "2024:01:01 00:00:00"}, "2023-06-15T14:30:00"),
        ({0x0132: "2024:01:01 00:00:00"}, "2024-01-01T00:00:00"),
        ({0x9003: "9999:12:31 23:59:59"}, None),
        ({0x9003: "2023:02:30 00:00:00"}, None),
        ({0x9003: "    :  :     :  :  "}, None),
        ({}, None),
    ],
)
def test_the_time_comes_from_exif_or_is_none(tags: dict[int, str], expected: str | None) -> None:
    exif = Image.Exif()
    for tag, text in tags.items():
        (exif if tag == 0x0132 else exif.get_ifd(0x8769))[tag] = text
    photo = io.BytesIO()
    Image.new("RGB", (8, 8)).save(photo, "JPEG", exif=exif)
    photo.seek(0)
    time = read_time(photo)
    assert (time and time.isoformat()) == expected


def test_a_file_that_is_no_picture_has_no_time() -> None:
    assert read_time(io.BytesIO(b"text")) is None
