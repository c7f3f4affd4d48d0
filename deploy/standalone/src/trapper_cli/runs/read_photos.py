"""Reads every photo once, on a few threads: its hash, by which it is known, and when it was taken."""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import IO

from trapper_cli.runs.background import Activity, Background, Unanswered
from trapper_cli.runs.names import as_text
from trapper_cli.runs.scan import FileFailure, PhotoFile
from trapper_kit.pictures.open_picture import open_picture
from trapper_kit.pictures.read_exif import read_exif
from trapper_kit.pictures.read_names import read_names
from trapper_kit.pictures.read_time import TimeSource, read_time

_THREADS = 4
_CHUNK = 1 << 20
_MOST_PIXELS = 100_000_000
"""The limit of the services, whose default no larger picture passes; it has no time there either."""


@dataclass(frozen=True)
class PhotoContent:
    """What one photo's bytes and name say; `taken_at` is the camera's wall clock, None where nothing gives it."""

    sha256: str
    taken_at: datetime | None
    time_source: TimeSource


@dataclass
class Contents:
    """What was read of each photo, by its relative path, and the photos that could not be read to their end."""

    photos: dict[str, PhotoContent] = field(default_factory=dict[str, PhotoContent])
    failures: list[FileFailure] = field(default_factory=list[FileFailure])


def read_photos(
    photos: Sequence[PhotoFile],
    *,
    warn: Callable[[str], None],
    give_up_seconds: float | None = None,
    on_photo: Callable[[], None] = lambda: None,
) -> Contents:
    """Hashes and times of all photos; what the drive does not hand out becomes a failure, and the rest goes on.

    Times are read as the service reads them, so that both say the same.
    """
    threads = min(_THREADS, os.cpu_count() or 1)
    background = Background(_read, threads=threads, warn=warn, give_up_seconds=give_up_seconds)
    contents = Contents()
    for photo, result in background.run(photos):
        on_photo()
        match result:
            case PhotoContent():
                contents.photos[photo.relative] = result
            case OSError():
                reason = f"The file cannot be read: {result.strerror or result}."
                contents.failures.append(FileFailure(photo.relative, reason, is_unread=True))
            case Unanswered():
                contents.failures.append(FileFailure(photo.relative, result.reason, is_unread=True))
    _read_times_of_names(contents.photos)
    return contents


def _read(photo: PhotoFile, activity: Activity) -> PhotoContent | OSError:
    activity.at(str(photo.path))
    try:
        with photo.path.open("rb") as file:
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                activity.at()
            file.seek(0)
            return PhotoContent(digest.hexdigest(), *_time_in(file))
    except OSError as problem:
        return problem


def _time_in(file: IO[bytes]) -> tuple[datetime | None, TimeSource]:
    """The time that the file's metadata give; none for what is no picture, or one that the service does not decode."""
    try:
        with open_picture(file) as image:
            recorded = read_time(read_exif(image)).recorded if image.width * image.height <= _MOST_PIXELS else None
    except Exception:  # noqa: BLE001 - whatever a broken file does to its reader, it has no time then
        recorded = None
    return (None, TimeSource.NONE) if recorded is None else (recorded.at, recorded.source)


def _read_times_of_names(photos: dict[str, PhotoContent]) -> None:
    """Gives photos without a time the one in their names, where the names of their folder hold times."""
    folders: dict[str, list[str]] = {}
    for relative, content in photos.items():
        if content.taken_at is None:
            folders.setdefault(relative.rpartition("/")[0], []).append(relative)
    for files in folders.values():
        names = [as_text(relative).rpartition("/")[2] for relative in files]
        for relative, taken_at in zip(files, read_names(names, now=datetime.now(UTC)), strict=True):
            if taken_at is not None:
                photos[relative] = replace(photos[relative], taken_at=taken_at, time_source=TimeSource.FILENAME)
