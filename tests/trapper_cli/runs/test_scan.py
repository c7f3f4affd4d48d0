import errno
import os
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import pytest

from trapper_cli.runs import scan as scanning
from trapper_cli.runs.scan import VIDEO_IS_NOT_SUPPORTED, Scan
from trapper_cli.runs.sniff import Media, sniff

JPEG = b"\xff\xd8\xff\xe0" + b"\x00" * 40
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 40


def scan_folder(root: Path, *, give_up_seconds: float | None = None) -> Scan:
    return scanning.scan_folder(root, warn=lambda _: None, give_up_seconds=give_up_seconds)


def _names(scan: Scan) -> list[str]:
    return [photo.relative for photo in scan.photos]


def test_photos_are_found_at_every_depth_in_byte_order(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/10.jpg", "a.jpg", "B/1.jpg", "b/deep/er/1.jpg", "é.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(JPEG)
    scan = scan_folder(tmp_path)
    assert _names(scan) == ["B/1.jpg", "a.jpg", "b/10.jpg", "b/2.jpg", "b/deep/er/1.jpg", "é.jpg"]
    assert [photo.folder for photo in scan.photos] == ["B", "", "b", "b", "b/deep/er", ""]
    assert not scan.failures
    assert scan.ignored == 0


def test_bytes_are_trusted_before_endings(tmp_path: Path) -> None:
    (tmp_path / "a picture.txt").write_bytes(PNG)
    (tmp_path / "no ending").write_bytes(JPEG)
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    scan = scan_folder(tmp_path)
    assert _names(scan) == ["a picture.txt", "empty.jpg", "no ending", "text.jpg"]
    assert scan.ignored == 2


def test_a_video_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(MP4)
    (tmp_path / "clip named.jpg").write_bytes(MP4)
    (tmp_path / "photo.jpg").write_bytes(JPEG)
    scan = scan_folder(tmp_path)
    assert _names(scan) == ["photo.jpg"]
    assert [(each.relative, each.reason) for each in scan.failures] == [
        ("clip named.jpg", VIDEO_IS_NOT_SUPPORTED),
        ("clip.mp4", VIDEO_IS_NOT_SUPPORTED),
    ]


def test_names_that_are_no_text_are_kept_byte_for_byte(tmp_path: Path) -> None:
    hostile = [b"caf\xe9.jpg", b"new\nline.jpg", b"-rf.jpg", b"quote'\".jpg", b"back\\slash.jpg", b"\xff\xfe.jpg"]
    for name in hostile:
        (tmp_path / os.fsdecode(name)).write_bytes(JPEG)
    scan = scan_folder(tmp_path)
    assert [os.fsencode(name) for name in _names(scan)] == sorted(hostile)


def test_links_that_lead_in_circles_end(tmp_path: Path) -> None:
    (tmp_path / "cam").mkdir()
    (tmp_path / "cam" / "1.jpg").write_bytes(JPEG)
    (tmp_path / "cam" / "up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "cam")
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    scan = scan_folder(tmp_path)
    assert _names(scan) == ["cam/1.jpg"]
    assert [(each.relative, each.is_unread) for each in scan.failures] == [("gone.jpg", False), ("self.jpg", False)]


def test_a_linked_folder_outside_and_a_linked_photo_are_followed(tmp_path: Path) -> None:
    card, folder = tmp_path / "card", tmp_path / "folder"
    card.mkdir()
    folder.mkdir()
    (card / "1.jpg").write_bytes(JPEG)
    (folder / "cam").symlink_to(card)
    (folder / "copy.jpg").symlink_to(card / "1.jpg")
    assert _names(scan_folder(folder)) == ["cam/1.jpg", "copy.jpg"]


def test_what_systems_leave_behind_is_left_out(tmp_path: Path) -> None:
    for name in ("._1.jpg", ".Trashes/1.jpg", "$RECYCLE.BIN/1.jpg", "System Volume Information/x.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\x00\x05\x16\x07" if name.startswith("._") else JPEG)
    (tmp_path / ".hidden.jpg").write_bytes(JPEG)
    scan = scan_folder(tmp_path)
    assert _names(scan) == [".hidden.jpg"]
    assert scan.ignored == 4


def test_pipes_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    scan = scan_folder(tmp_path)
    assert not scan.photos
    assert scan.ignored == 1


class _Failing:
    """A directory of which two entries can be read."""

    def __init__(self, path: str) -> None:
        self._entries = os.scandir(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._entries.close()

    def __iter__(self) -> Iterator["os.DirEntry[str]"]:
        for number, entry in enumerate(self._entries):
            if number == 2:
                raise OSError(errno.EIO, "Input/output error")
            yield entry


class _Os:
    """The module os, whose `scandir` fails for one folder."""

    def __init__(self, broken: Path) -> None:
        self._broken = str(broken)

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)

    def scandir(self, path: str) -> object:
        return _Failing(path) if path == self._broken else os.scandir(path)


def test_a_folder_that_fails_after_two_entries_keeps_them_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("broken", "whole"):
        (tmp_path / folder).mkdir()
        for number in range(4):
            (tmp_path / folder / f"{number}.jpg").write_bytes(JPEG)
    monkeypatch.setattr(scanning, "os", _Os(tmp_path / "broken"))
    scan = scan_folder(tmp_path)
    assert len(scan.photos) == 6
    reason = "Only 2 entries of the folder could be read: Input/output error."
    assert [(each.relative, each.reason, each.is_unread) for each in scan.failures] == [("broken", reason, True)]


def test_a_drive_that_stops_answering_ends_the_scan_with_what_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.jpg").write_bytes(JPEG)
    order = [entry.name for entry in os.scandir(tmp_path)][::-1]  # the walk takes the last folder first

    class Hanging(_Os):
        def scandir(self, path: str) -> object:
            if path == self._broken:
                release.wait(60)
            return os.scandir(path)

    monkeypatch.setattr(scanning, "os", Hanging(tmp_path / order[1]))
    scan = scan_folder(tmp_path, give_up_seconds=1)
    release.set()
    assert _names(scan) == [f"{order[0]}/1.jpg"]
    assert {each.relative for each in scan.failures} == {order[1], order[2]}
    assert all("The drive did not answer for" in each.reason and each.is_unread for each in scan.failures)


@contextmanager
def _as_an_ordinary_user() -> Generator[None]:
    """Root may read everything, so it looks as nobody for a moment."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_closed_folder_and_a_closed_file_are_told() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to nobody
        root = Path(name)
        root.chmod(0o755)
        (root / "closed").mkdir(mode=0)
        (root / "closed.jpg").write_bytes(JPEG)
        (root / "closed.jpg").chmod(0)
        (root / "open.jpg").write_bytes(JPEG)
        with _as_an_ordinary_user():
            scan = scan_folder(root)
        (root / "closed").chmod(0o700)
    assert _names(scan) == ["open.jpg"]
    assert [(each.relative, each.is_media, each.is_unread) for each in scan.failures] == [
        ("closed", False, True),
        ("closed.jpg", True, True),
    ]
    assert all("Permission denied" in each.reason for each in scan.failures)


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("a.bin", b"RIFF\x00\x00\x00\x00WEBPVP8 ", Media.PHOTO),
        ("a.bin", b"RIFF\x00\x00\x00\x00AVI LIST", Media.VIDEO),
        ("a.bin", b"RIFF\x00\x00\x00\x00WAVEfmt ", Media.OTHER),
        ("a.bin", b"II*\x00" + b"\x00" * 20, Media.PHOTO),
        ("a.bin", b"\x00\x00\x00\x18ftypheic" + b"\x00" * 20, Media.PHOTO),
        ("a.bin", b"BM" + b"\x00" * 12 + (40).to_bytes(4, "little") + b"\x00" * 10, Media.PHOTO),
        ("a.txt", b"BM is how this text begins, and no more", Media.OTHER),
        ("a.mkv", b"\x1aE\xdf\xa3", Media.VIDEO),
        ("A.JPEG", b"", Media.PHOTO),
        ("a.mov", b"text", Media.VIDEO),
    ],
)
def test_a_file_is_known_by_how_it_begins(name: str, head: bytes, expected: Media) -> None:
    assert sniff(name, head, 100) is expected
