"""A time is read or absent; it is never invented."""

from datetime import UTC, datetime, timedelta

import pytest

from expert.resources.read_time import captured_at, read_time
from expert.resources.state import TimeSource


def test_the_original_time_counts_with_its_offset_and_its_fractions():
    exif = {"DateTimeOriginal": "2023:06:01 10:11:12", "OffsetTimeOriginal": "+02:00", "SubsecTimeOriginal": "25"}
    found = read_time(exif, "x.jpg")
    assert found is not None
    assert found.at == datetime(2023, 6, 1, 10, 11, 12, 250_000)  # noqa: DTZ001
    assert (found.offset, found.source) == (timedelta(hours=2), TimeSource.EXIF)


def test_the_time_of_digitising_stands_in_for_a_missing_one():
    found = read_time({"DateTimeOriginal": "", "DateTimeDigitized": "2023:06:01 10:11:12"}, "x.jpg")
    assert found is not None
    assert found.at.hour == 10


@pytest.mark.parametrize(
    "value",
    [
        "0000:00:00 00:00:00",
        "2023:13:45 10:00:00",
        "    :  :     :  :  ",
        "2023:02:30 10:00:00",
        "",
        17,
        None,
        b"x",
        [],
    ],
)
def test_a_date_that_is_none_counts_as_absent(value: object):
    assert read_time({"DateTimeOriginal": value, "DateTime": "2023:06:01 10:11:12"}, "IMG_0001.JPG") is None


@pytest.mark.parametrize("offset", ["+99:00", "local", "+2", "", 2, None])
def test_an_offset_that_is_none_leaves_the_time(offset: object):
    found = read_time({"DateTimeOriginal": "2023:06:01 10:11:12", "OffsetTimeOriginal": offset}, "x")
    assert found is not None
    assert found.offset is None


@pytest.mark.parametrize(
    "name",
    [
        "IMG_20230601_101112.jpg",
        "2023-06-01 10-11-12.JPG",
        "20230601101112.jpg",
        "cam7_2023_06_01_10_11_12_0001.png",
        "2023-06-01T10:11:12.jpg",
    ],
)
def test_a_time_in_the_file_name_is_read(name: str):
    found = read_time({}, name)
    assert found is not None
    assert (found.at, found.source) == (datetime(2023, 6, 1, 10, 11, 12), TimeSource.FILENAME)  # noqa: DTZ001


@pytest.mark.parametrize(
    "name", ["IMG_0001.JPG", "20239999_101112.jpg", "2023-06-01.jpg", "1234567890123456789.jpg", ""]
)
def test_a_name_without_a_real_time_gives_none(name: str):
    assert read_time({}, name) is None


def test_the_moment_follows_the_offset_then_the_place_then_nothing():
    wall = datetime(2023, 7, 1, 12)  # noqa: DTZ001
    there, offset = captured_at(wall, timedelta(hours=5), time_zone="Europe/Warsaw", ignore_dst=False)
    assert (there, offset) == (datetime(2023, 7, 1, 7, tzinfo=UTC), timedelta(hours=5))
    there, offset = captured_at(wall, None, time_zone="Europe/Warsaw", ignore_dst=False)
    assert (there, offset) == (datetime(2023, 7, 1, 10, tzinfo=UTC), timedelta(hours=2))
    there, offset = captured_at(wall, None, time_zone="Europe/Warsaw", ignore_dst=True)
    assert (there, offset) == (datetime(2023, 7, 1, 11, tzinfo=UTC), timedelta(hours=1))
    there, offset = captured_at(wall, None, time_zone=None, ignore_dst=False)
    assert (there, offset) == (datetime(2023, 7, 1, 12, tzinfo=UTC), None)
