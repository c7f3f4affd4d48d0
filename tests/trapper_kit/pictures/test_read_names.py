"""A time in a file name counts when all files of the folder that match its pattern make sense."""

from datetime import UTC, datetime

import pytest

from trapper_kit.pictures.read_names import read_names

NOW = datetime(2026, 11, 30, tzinfo=UTC)
TAKEN = datetime(2023, 6, 1, 10, 11, 12)


def times(*names: str) -> list[datetime | None]:
    return read_names(names, now=NOW)


@pytest.mark.parametrize(
    "name",
    [
        "IMG_20230601_101112.jpg",
        "2023-06-01 10-11-12.JPG",
        "20230601101112.jpg",
        "cam7_2023_06_01_10_11_12_0001.png",
        "2023-06-01T10:11:12.jpg",
        "2023-06-01 10h11m12.jpg",
        "230601101112.jpg",
        "230601_101112.jpg",
        "20230601 101112 AM.jpg",
    ],
)
def test_a_time_in_the_file_name_is_read(name: str):
    assert times(name) == [TAKEN]


@pytest.mark.parametrize(
    ("name", "time"),
    [
        ("230615143000.jpg", datetime(2023, 6, 15, 14, 30)),
        ("20231106 021530 PM.jpg", datetime(2023, 11, 6, 14, 15, 30)),
        ("20231106 121530 AM.jpg", datetime(2023, 11, 6, 0, 15, 30)),
        ("20231106 121530 pm.jpg", datetime(2023, 11, 6, 12, 15, 30)),
    ],
)
def test_short_years_and_half_days_are_read(name: str, time: datetime):
    assert times(name) == [time]


@pytest.mark.parametrize(
    "name",
    [
        "PICT2005_1212_1011_12.jpg",
        "IMG_0001.JPG",
        "20239999_101112.jpg",
        "2023-06-01.jpg",
        "1234567890123456789.jpg",
        "20231106 131530 PM.jpg",
        "99991231235959.jpg",
        "20991231235959.jpg",
        "391231235959.jpg",
        "",
    ],
)
def test_a_name_without_a_real_time_gives_none(name: str):
    assert times(name) == [None]


def test_one_name_that_makes_no_sense_shows_that_the_numbers_are_a_counter():
    assert times("230615143000.jpg", "230615143059.jpg", "IMG_1.jpg") != [None] * 3
    assert times("230615143000.jpg", "230615143060.jpg") == [None, None]
    assert times("IMG_20230601_101112.jpg", "IMG_20231301_101112.jpg") == [None, None]


def test_times_must_rise_with_the_counter_beside_them():
    rising = [f"2023060{day}_101112_{day:04}.jpg" for day in range(1, 8)]
    assert None not in times(*rising)
    falling = [f"2023060{8 - day}_101112_{day:04}.jpg" for day in range(1, 8)]
    assert times(*falling) == [None] * 7


def test_patterns_are_judged_each_for_itself():
    assert times("20230601_101112.jpg", "230615143099.jpg") == [TAKEN, None]
