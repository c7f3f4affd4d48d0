"""Reads every photo once, on a few threads: its hash, by which it is known, and the time that its EXIF data give."""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO

from PIL import Image

from trapper_cli.runs.background import Activity, Background, Unanswered
from trapper_cli.runs.scan import FileFailure, PhotoFile

_THREADS = 4
_CHUNK = 1 << 20
_EXIF_DIRECTORY = 0x8769
_TIME_TAGS = ((_EXIF_DIRECTORY, 0x9003), (_EXIF_DIRECTORY, 0x9004), (None, 0x0132))
"""DateTimeOriginal, DateTimeDigitized, DateTime."""
_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d):(\d\d):(\d\d)")
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2199

Image.MAX_IMAGE_PIXELS = None  # nothing is decoded here


@dataclass(frozen=True)
class PhotoContent:
    """What one photo's bytes say; `taken_at` is the camera's wall clock, None where EXIF does not give it."""

    sha256: str
    taken_at: datetime | None


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
    """Hashes and times of all photos; what the drive does not hand out becomes a failure, and the rest goes on."""
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
            return PhotoContent(digest.hexdigest(), read_time(file))
    except OSError as problem:
        return problem


def read_time(file: IO[bytes]) -> datetime | None:
    """The time in a photo's EXIF data; None where there is none that can be read, or none from 1900 to 2199."""
    try:
        with Image.open(file) as image:
            exif = image.getexif()
            texts = [(exif.get_ifd(where) if where else exif).get(tag) for where, tag in _TIME_TAGS]
    except Exception:  # noqa: BLE001 - whatever a broken file does to its reader, it has no time then
        return None
    return next((time for text in texts if (time := _time(text)) is not None), None)


def _time(text: object) -> datetime | None:
    match = _TIME.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        time = datetime.fromisoformat("{}-{}-{}T{}:{}:{}".format(*match.groups()))  # the camera's wall clock
    except ValueError:
        return None
    return time if _EARLIEST_YEAR <= time.year <= _LATEST_YEAR else None
