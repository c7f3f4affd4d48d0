"""Read when a picture was taken, as the camera wrote it: the first source that has a time of the years 1900 to 2199."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

from trapper_schemas.times import is_in_range


class TimeSource(StrEnum):
    """Where the wall-clock time was read; `none` means that the file has none.

    In the order in which they are looked at: DateTimeOriginal, DateTimeDigitized, the maker's block (Reconyx), XMP,
    DateTime, the file's name.
    """

    EXIF = "exif"
    EXIF_DIGITIZED = "exif_digitized"
    MAKER_NOTE = "maker_note"
    XMP = "xmp"
    EXIF_MODIFIED = "exif_modified"
    FILENAME = "filename"
    TABLE = "table"
    MTIME = "mtime"
    NONE = "none"


MAKER_NOTE_TIME, XMP_TIME = "MakerNoteDateTimeOriginal", "XMPDateTimeOriginal"
_TIME = re.compile(
    r"^\s*(\d{4})[:\-/.](\d{2})[:\-/.](\d{2})[ T](\d{2}):(\d{2})(?::(\d{2}))?(?:[.,](\d{1,6})\d*)?(.*)", re.DOTALL
)
_OFFSET = re.compile(r"^\s*([+-])(\d{2}):?(\d{2})")
_SOURCES = (
    (TimeSource.EXIF, "DateTimeOriginal", "OffsetTimeOriginal", "SubsecTimeOriginal"),
    (TimeSource.EXIF_DIGITIZED, "DateTimeDigitized", "OffsetTimeDigitized", "SubsecTimeDigitized"),
    (TimeSource.MAKER_NOTE, MAKER_NOTE_TIME, None, None),
    (TimeSource.XMP, XMP_TIME, None, None),
    (TimeSource.EXIF_MODIFIED, "DateTime", "OffsetTime", "SubsecTime"),
)
_WIDEST_OFFSET = timedelta(hours=14)


@dataclass(frozen=True)
class Recorded:
    """A wall-clock time without zone, the offset written with it, and where both were read."""

    at: datetime
    offset: timedelta | None
    source: TimeSource


@dataclass(frozen=True)
class TimeReading:
    """The recorded time, if there is one, and a sentence about times that lie out of range."""

    recorded: Recorded | None = None
    problem: str | None = None


def read_time(tags: Mapping[str, Any]) -> TimeReading:
    """The first real time of the tags; a date such as 0000:00:00 or 2023:13:45 counts as absent."""
    problem = None
    for source, time_tag, offset_tag, subsec_tag in _SOURCES:
        read = _read(tags.get(time_tag))
        if read is None:
            continue
        at, offset = read
        offset = offset if offset_tag is None else _read_offset(tags.get(offset_tag))
        at = _with_fractions(at, tags.get(subsec_tag)) if subsec_tag is not None else at
        if is_in_range(at.replace(tzinfo=UTC if offset is None else timezone(offset))):
            return TimeReading(Recorded(at, offset, source))
        problem = problem or f"{time_tag} says {at:%Y-%m-%d %H:%M:%S}, which is not between 1900 and 2199"
    return TimeReading(None, problem)


def valid_time(parts: Sequence[str | int | None]) -> datetime | None:
    """Year, month, day, hour, minute, second as a naive time; None when there is no such time."""
    try:
        return datetime(*(int(part or 0) for part in parts))  # type: ignore[arg-type]  # noqa: DTZ001 - no zone
    except ValueError:
        return None


def _read(value: Any) -> tuple[datetime, timedelta | None] | None:
    match = _TIME.match(value) if isinstance(value, str) else None
    at = valid_time(match.groups()[:6]) if match else None
    if match is None or at is None:
        return None
    return _with_fractions(at, match[7]), _read_offset(match[8])


def _with_fractions(at: datetime, subsec: Any) -> datetime:
    digits = re.match(r"[0-9]{1,6}", str(subsec).strip()) if subsec is not None else None
    return at if digits is None else at.replace(microsecond=int(digits.group().ljust(6, "0")))


def _read_offset(value: Any) -> timedelta | None:
    if not isinstance(value, str):
        return None
    if value.strip().upper() == "Z":
        return timedelta(0)
    match = _OFFSET.match(value)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if offset > _WIDEST_OFFSET:
        return None
    return -offset if match[1] == "-" else offset
