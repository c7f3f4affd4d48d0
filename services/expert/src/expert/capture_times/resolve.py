"""Turn a wall-clock time into a moment, with the offset of the file or of the place."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

from expert.capture_times.state import OffsetSource, TimeIssue
from trapper_schemas.times import EARLIEST, LATEST, is_in_range

_LOCAL_MEAN_TIME = "LMT"
_MONTH = timedelta(days=30)
_YEAR_MONTHS = 13
_SEASON_MONTHS = 3
"""Negative summer time of at least this many months is winter time, and standard; Ramadan's month in Morocco is not."""
_FIRST_YEAR, _LAST_YEAR = EARLIEST.year - 1, LATEST.year
_YEARS = range(1901, 2038)
_ZERO = timedelta(0)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Clock:
    """The clock of a camera: the time zone of its place, and whether it stays on standard time all year."""

    time_zone: str | None = None
    ignore_dst: bool = False

    def is_set_back_near(self, recorded: datetime) -> bool:
        """Whether this clock is set back within a day of a time, so that an hour comes twice."""
        if self.time_zone is None or self.ignore_dst:
            return False
        zone = ZoneInfo(self.time_zone)
        return zone_offset(zone, recorded - _DAY) > zone_offset(zone, recorded + _DAY)


@dataclass(frozen=True)
class ResolvedTime:
    """A moment, the offset it was read with (None when unknown), and what is wrong with it."""

    captured_at: datetime | None
    offset: timedelta | None = None
    offset_source: OffsetSource = OffsetSource.NONE
    issue: TimeIssue | None = None


def resolve(recorded: datetime, offset: timedelta | None, clock: Clock) -> ResolvedTime:
    """The moment of a naive time: by the offset written with it, else by the place; with neither, as if it were UTC.

    An hour that comes twice counts as its first occurrence, and an hour that does not exist is read with the offset
    before the gap; both are marked.
    """
    if not _FIRST_YEAR <= recorded.year <= _LAST_YEAR:
        return ResolvedTime(None, issue=TimeIssue.OUT_OF_RANGE)
    source, issue = OffsetSource.FILE, None
    if offset is None and clock.time_zone is not None:
        source = OffsetSource.PLACE
        zone = ZoneInfo(clock.time_zone)
        if clock.ignore_dst:
            offset = standard_offset(zone, recorded)
        else:
            offset, second = zone_offset(zone, recorded), zone_offset(zone, recorded, fold=1)
            if offset != second:
                issue = TimeIssue.AMBIGUOUS if offset > second else TimeIssue.NONEXISTENT
    moment = recorded.replace(tzinfo=UTC if offset is None else timezone(offset))
    if not is_in_range(moment):
        return ResolvedTime(None, issue=TimeIssue.OUT_OF_RANGE)
    return ResolvedTime(moment, offset, OffsetSource.NONE if offset is None else source, issue)


def zone_offset(zone: ZoneInfo, recorded: datetime, *, fold: int = 0) -> timedelta:
    """The offset in force; for times of local mean time, the first offset that came after it."""
    there = recorded.replace(tzinfo=zone, fold=fold)
    if there.tzname() == _LOCAL_MEAN_TIME:
        return _first_offset(zone)
    return there.utcoffset() or _ZERO


def standard_offset(zone: ZoneInfo, recorded: datetime) -> timedelta:
    """The offset of a clock that never shifts: that of winter, also where the zone data has it the other way round.

    Ireland's data calls winter time a negative summer time, and so did Namibia's. `dst()` alone does not do: it guesses
    by how much summer time shifts, wrongly where a zone changed at the same time (Inuvik, Scoresbysund).
    """
    offset = zone_offset(zone, recorded)
    if not _saved(zone, recorded):
        winter = _negative_summer_time(zone, recorded, offset)
        return offset if winter is None else winter
    standards = {_nearest_standard_offset(zone, recorded, step) for step in (_MONTH, -_MONTH)}
    if min(standards) > offset:  # negative summer time; of a month only, it is no winter
        winter = _negative_summer_time(zone, recorded, min(standards))
        return min(standards) if winter is None else winter
    if offset - _HOUR in standards:
        return offset - _HOUR
    if len(standards) == 1 and offset not in standards:
        return standards.pop()
    return offset - _saved(zone, recorded)


def _nearest_standard_offset(zone: ZoneInfo, recorded: datetime, step: timedelta) -> timedelta:
    times = (recorded + step * month for month in range(1, _YEAR_MONTHS))
    offsets = (zone_offset(zone, at) for at in times if not _saved(zone, at))
    return next(offsets, zone_offset(zone, recorded))


def _negative_summer_time(zone: ZoneInfo, recorded: datetime, standard: timedelta) -> timedelta | None:
    """The offset of a winter within half a year that the data calls summer time; None when there is none."""
    months = [recorded + _MONTH * month for month in range(-_YEAR_MONTHS // 2, _YEAR_MONTHS // 2 + 1)]
    offsets = [zone_offset(zone, at) if _saved(zone, at) < _ZERO else None for at in months]
    for offset, run in groupby(offsets):
        if offset is not None and offset < standard and len(list(run)) >= _SEASON_MONTHS:
            return offset
    return None


def _saved(zone: ZoneInfo, recorded: datetime) -> timedelta:
    return recorded.replace(tzinfo=zone).dst() or _ZERO


@lru_cache(maxsize=1000)
def _first_offset(zone: ZoneInfo) -> timedelta:
    for year in _YEARS:
        there = datetime(year, 1, 1, tzinfo=zone)
        if there.tzname() != _LOCAL_MEAN_TIME:
            return there.utcoffset() or _ZERO
    return _ZERO
