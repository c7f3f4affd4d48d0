import hashlib
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.make.bad_pictures import encoded, png_bomb, scene, with_exif
from tests.support.make.maker_notes import hyperfire_2
from trapper_cli.runs.read_photos import read_photos
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


TAKEN = datetime.fromisoformat("2023-06-15T14:30:00")
XMP = b'<x:xmpmeta><rdf:Description exif:DateTimeOriginal="2023-06-15T14:30:00+02:00"/></x:xmpmeta>'


@pytest.mark.parametrize(
    ("name", "content", "expected", "source"),
    [
        ("a.jpg", with_exif({0x0132: "2024:01:01 00:00:00"}, sub={0x9003: "2023:06:15 14:30:00"}), TAKEN, "exif"),
        ("a.jpg", with_exif({}, sub={0x9004: "2023:06:15 14:30:00"}), TAKEN, "exif_digitized"),
        ("a.jpg", with_exif({}, sub={0x927C: hyperfire_2(TAKEN)}), TAKEN, "maker_note"),
        ("a.jpg", encoded(xmp=XMP), TAKEN, "xmp"),
        ("a.jpg", with_exif({0x0132: "2023:06:15 14:30:00"}), TAKEN, "exif_modified"),
        ("230615143000.jpg", encoded(), TAKEN, "filename"),
        ("20230615 023000 PM.png", encoded(kind="PNG"), TAKEN, "filename"),
        ("PICT2005_1212_1011_12.jpg", encoded(), None, "none"),
        ("a.jpg", with_exif({}, sub={0x9003: "9999:12:31 23:59:59"}), None, "none"),
        ("a.jpg", with_exif({}, sub={0x9003: "2023:02:30 00:00:00"}), None, "none"),
        ("a.jpg", JPEG + b"no picture", None, "none"),
        ("bomb.png", png_bomb(), None, "none"),
    ],
)
def test_the_time_is_read_as_the_service_reads_it(
    tmp_path: Path, name: str, content: bytes, expected: datetime | None, source: str
) -> None:
    (tmp_path / name).write_bytes(content)
    read = read_photos(scan_folder(tmp_path, warn=print).photos, warn=print).photos[name]
    assert (read.taken_at, read.time_source) == (expected, source)


def test_names_count_only_when_all_of_their_folder_make_sense(tmp_path: Path) -> None:
    for folder, last in (("times", "230615143100"), ("counters", "230615143099")):
        (tmp_path / folder).mkdir()
        for name in ("230615143000", last):
            (tmp_path / folder / f"{name}.jpg").write_bytes(encoded(scene(16, 16)) + name.encode())
    photos = read_photos(scan_folder(tmp_path, warn=print).photos, warn=print).photos
    assert {relative: read.time_source for relative, read in photos.items()} == {
        "counters/230615143000.jpg": "none",
        "counters/230615143099.jpg": "none",
        "times/230615143000.jpg": "filename",
        "times/230615143100.jpg": "filename",
    }
