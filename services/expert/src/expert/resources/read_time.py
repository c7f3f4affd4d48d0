"""When a picture was taken, as the camera wrote it: from EXIF, else from the file's name, else not at all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from expert.resources.state import TimeSource

_EXIF_TIME = re.compile(r"^\s*(\d{4})[:\-/.](\d{2})[:\-/.](\d{2})[ T](\d{2}):(\d{2}):(\d{2})")
_EXIF_OFFSET = re.compile(r"^\s*([+-])(\d{2}):(\d{2})")
_NAME_TIME = re.compile(
    r"(?<!\d)((?:19|20)\d{2})[-_.]?(\d{2})[-_.]?(\d{2})[ T_.-]{0,2}(\d{2})[-_.:h]?(\d{2})[-_.:m]?(\d{2})(?!\d)"
)
_TIME_TAGS = (
    ("DateTimeOriginal", "OffsetTimeOriginal", "SubsecTimeOriginal"),
    ("DateTimeDigitized", "OffsetTimeDigitized", "SubsecTimeDigitized"),
)
_EARLIEST_YEAR = 1900
_WIDEST_OFFSET = timedelta(hours=14)


@dataclass(frozen=True)
class Recorded:
    """A wall-clock time without zone, the offset that stood beside it, and where both were read."""

    at: datetime
    offset: timedelta | None
    source: TimeSource


def read_time(exif: Mapping[str, Any], file_name: str) -> Recorded | None:
    """The first time that is a real one; a date such as 0000:00:00 or 2023:13:45 counts as absent."""
    for time_tag, offset_tag, subsec_tag in _TIME_TAGS:
        at = _exif_time(exif.get(time_tag), exif.get(subsec_tag))
        if at is not None:
            return Recorded(at, _exif_offset(exif.get(offset_tag)), TimeSource.EXIF)
    for found in _NAME_TIME.finditer(file_name):
        at = _valid(found.groups())
        if at is not None:
            return Recorded(at, None, TimeSource.FILENAME)
    return None


def captured_at(
    recorded: datetime, offset: timedelta | None, *, time_zone: str | None, ignore_dst: bool
) -> tuple[datetime, timedelta | None]:
    """The moment for sorting, and the offset it was read with.

    The offset beside the time counts first, then the place's time zone; with neither, the wall clock is sorted as if
    it were UTC, and the offset stays unknown.
    """
    if offset is None and time_zone is not None:
        zone = ZoneInfo(time_zone)
        there = recorded.replace(tzinfo=zone)
        offset = there.utcoffset()
        if ignore_dst and offset is not None:
            offset -= there.dst() or timedelta(0)
    if offset is None:
        return recorded.replace(tzinfo=UTC), None
    return recorded.replace(tzinfo=timezone(offset)), offset


def _exif_time(value: Any, subsec: Any) -> datetime | None:
    found = _EXIF_TIME.match(value) if isinstance(value, str) else None
    at = _valid(found.groups()) if found else None
    digits = re.match(r"\d{1,6}", str(subsec).strip()) if subsec is not None else None
    if at is None or digits is None:
        return at
    return at.replace(microsecond=int(digits.group().ljust(6, "0")))


def _exif_offset(value: Any) -> timedelta | None:
    found = _EXIF_OFFSET.match(value) if isinstance(value, str) else None
    if found is None:
        return None
    offset = timedelta(hours=int(found[2]), minutes=int(found[3]))
    if offset > _WIDEST_OFFSET:
        return None
    return -offset if found[1] == "-" else offset


def _valid(parts: tuple[str | Any, ...]) -> datetime | None:
    year, month, day, hour, minute, second = (int(part) for part in parts)
    if year < _EARLIEST_YEAR:
        return None
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a camera's clock has no zone
    except ValueError:
        return None
