"""Wall clocks become moments: by the file's offset, by the place's zone, never out of range."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from expert.capture_times.resolve import Clock, resolve, standard_offset, zone_offset
from expert.capture_times.state import OffsetSource, TimeIssue

SUMMER = datetime(2023, 7, 1, 12)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
WINTER_IS_STANDARD = {"Europe/Dublin", "Africa/Windhoek"}
"""Zones whose data have a negative summer time of some months; a clock that never shifts is on winter time there."""
MISREAD = {"Pacific/Rarotonga"}
"""One season, 1978: the zone moved by half an hour together with its first summer time."""


@pytest.fixture
def package_zones() -> Iterator[None]:
    zoneinfo.reset_tzpath(to=())
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    ZoneInfo.clear_cache()


def hours(text: str) -> timedelta:
    sign = -1 if text.startswith("-") else 1
    parts = [int(part) for part in text.lstrip("-").split(":")] + [0, 0]
    return sign * timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2])


def month_of(text: str) -> int:
    return next(number for number, name in enumerate(MONTHS, 1) if name.startswith(text[:3]))


def standard_offsets() -> dict[str, list[tuple[timedelta, tuple[int, int] | None]]]:
    """Of each zone of the tz database: its standard offsets, each with the year and month until which it counts."""
    zones: dict[str, list[tuple[timedelta, tuple[int, int] | None]]] = {}
    current: list[tuple[timedelta, tuple[int, int] | None]] | None = None
    for line in files("tzdata").joinpath("zoneinfo", "tzdata.zi").read_text().splitlines():
        fields = line.split()
        if not fields or fields[0] in {"#", "R", "L"}:
            current = None  # a link has another zone's data
            continue
        if fields[0] == "Z":
            current = zones.setdefault(fields[1], [])
            fields = fields[2:]
        assert current is not None
        until = fields[3:]
        end = (int(until[0]), month_of(until[1]) if len(until) > 1 else 1) if until else None
        current.append((hours(fields[0]), end))
    return zones


def test_a_clock_that_never_shifts_is_on_the_standard_offset_in_every_zone_from_1970_to_2040(package_zones: None):
    wrong: dict[str, int] = {}
    compared = 0
    for name, eras in standard_offsets().items():
        zone = ZoneInfo(name)
        for year in range(1970, 2041):
            for month in (1, 7):
                era = next(era for era in eras if era[1] is None or era[1] >= (year, month))
                if era[1] == (year, month):
                    continue  # it changes within this month
                compared += 1
                if standard_offset(zone, datetime(year, month, 15, 12)) != era[0]:
                    wrong[name] = wrong.get(name, 0) + 1
    assert compared > 40_000
    assert wrong.keys() <= WINTER_IS_STANDARD | MISREAD, wrong


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("Europe/Dublin", 0),
        ("Europe/London", 0),
        ("Europe/Warsaw", 1),
        ("Africa/Casablanca", 1),
        ("Antarctica/Troll", 0),
        ("Australia/Lord_Howe", 10.5),
        ("America/Inuvik", -7),
        ("America/Scoresbysund", -2),
        ("Asia/Kolkata", 5.5),
    ],
)
def test_the_standard_offset_is_the_same_all_year(name: str, offset: float):
    clock = Clock(name, ignore_dst=True)
    found = {resolve(datetime(2024, month, 15, 12), None, clock).offset for month in range(4, 13)}
    assert found == {timedelta(hours=offset)}


@pytest.mark.parametrize(
    ("name", "recorded", "utc_hour", "utc_hour_ignoring_dst"),
    [
        ("Europe/Dublin", datetime(2023, 7, 1, 12), 11, 12),
        ("Europe/Dublin", datetime(2023, 1, 1, 12), 12, 12),
        ("Europe/Dublin", datetime(1970, 1, 1, 12), 11, 11),  # one time all year, from 1968 to 1971
        ("Africa/Windhoek", datetime(2005, 1, 15, 12), 10, 11),
        ("Africa/Windhoek", datetime(2005, 7, 15, 12), 11, 11),
        ("Africa/Windhoek", datetime(2024, 7, 15, 12), 10, 10),  # without summer time since 2017
    ],
)
def test_winter_is_standard_where_the_data_have_a_negative_summer_time(
    name: str, recorded: datetime, utc_hour: int, utc_hour_ignoring_dst: int
):
    found = [resolve(recorded, None, Clock(name, ignore_dst=ignore)).captured_at for ignore in (False, True)]
    day = recorded.replace(tzinfo=UTC)
    assert found == [day.replace(hour=utc_hour), day.replace(hour=utc_hour_ignoring_dst)]


def test_the_offset_of_the_file_counts_before_the_place_and_without_both_it_stays_unknown():
    there = resolve(SUMMER, timedelta(hours=5), Clock("Europe/Warsaw"))
    assert (there.captured_at, there.offset_source) == (datetime(2023, 7, 1, 7, tzinfo=UTC), OffsetSource.FILE)
    there = resolve(SUMMER, None, Clock("Europe/Warsaw"))
    assert (there.captured_at, there.offset_source) == (datetime(2023, 7, 1, 10, tzinfo=UTC), OffsetSource.PLACE)
    there = resolve(SUMMER, None, Clock())
    assert (there.captured_at, there.offset) == (datetime(2023, 7, 1, 12, tzinfo=UTC), None)
    assert there.offset_source is OffsetSource.NONE


def test_an_hour_that_comes_twice_and_one_that_does_not_exist_are_marked():
    clock = Clock("Europe/Warsaw")
    twice = resolve(datetime(2023, 10, 29, 2, 30), None, clock)
    assert (twice.issue, twice.offset) == (TimeIssue.AMBIGUOUS, timedelta(hours=2))
    skipped = resolve(datetime(2023, 3, 26, 2, 30), None, clock)
    assert (skipped.issue, skipped.offset) == (TimeIssue.NONEXISTENT, timedelta(hours=1))
    for time in (datetime(2023, 10, 29, 2, 30), datetime(2023, 3, 26, 2, 30)):
        assert resolve(time, None, Clock("Europe/Warsaw", ignore_dst=True)).issue is None
        assert resolve(time, timedelta(hours=1), clock).issue is None


@pytest.mark.parametrize(
    ("recorded", "offset"),
    [
        (datetime(9999, 12, 31, 23, 59, 59), timedelta(hours=-5)),
        (datetime(1, 1, 1), timedelta(hours=14)),
        (datetime(1, 1, 1), None),
        (datetime(2200, 1, 1), None),
        (datetime(2199, 12, 31, 23, 59, 59), timedelta(hours=-5)),
        (datetime(1899, 12, 31, 23), timedelta(0)),
    ],
)
def test_a_time_out_of_range_gives_no_moment(recorded: datetime, offset: timedelta | None):
    for clock in (Clock(), Clock("America/New_York"), Clock("Europe/Dublin", ignore_dst=True)):
        assert resolve(recorded, offset, clock).issue is TimeIssue.OUT_OF_RANGE


def test_offsets_of_local_mean_time_are_not_used():
    assert zone_offset(ZoneInfo("Africa/Nairobi"), datetime(1905, 1, 1)).total_seconds() % 900 == 0
    bogota = resolve(datetime(1900, 6, 1), None, Clock("America/Bogota"))
    assert bogota.offset is not None
    for name in sorted(zoneinfo.available_timezones()):
        there = datetime(1900, 6, 1, tzinfo=ZoneInfo(name))
        if there.tzname() == "LMT":
            later = resolve(datetime(1900, 6, 1), None, Clock(name))
            assert later.issue in {None, TimeIssue.OUT_OF_RANGE}
