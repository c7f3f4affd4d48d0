"""A time is read or absent; it is never invented."""

from datetime import datetime, timedelta

import pytest

from tests.support.make.maker_notes import hyperfire, hyperfire_2, ultrafire
from trapper_kit.pictures.read_maker_note import read_maker_note
from trapper_kit.pictures.read_time import MAKER_NOTE_TIME, XMP_TIME, TimeSource, read_time

TAKEN = datetime(2023, 6, 15, 14, 30)


def test_the_original_time_counts_with_its_offset_and_its_fractions():
    exif = {"DateTimeOriginal": "2023:06:01 10:11:12", "OffsetTimeOriginal": "+02:00", "SubsecTimeOriginal": "25"}
    recorded = read_time(exif).recorded
    assert recorded is not None
    assert recorded.at == datetime(2023, 6, 1, 10, 11, 12, 250_000)
    assert (recorded.offset, recorded.source) == (timedelta(hours=2), TimeSource.EXIF)


def test_sources_are_looked_at_in_the_documented_order():
    tags = {
        "DateTimeOriginal": "2023:06:01 10:00:00",
        "DateTimeDigitized": "2023:06:02 10:00:00",
        MAKER_NOTE_TIME: "2023:06:03 10:00:00",
        XMP_TIME: "2023-06-04T10:00:00+03:00",
        "DateTime": "2023:06:05 10:00:00",
    }
    sources = ["exif", "exif_digitized", "maker_note", "xmp", "exif_modified"]
    for day, (source, tag) in enumerate(zip(sources, list(tags), strict=True), 1):
        recorded = read_time(tags).recorded
        assert recorded is not None
        assert (recorded.at.day, recorded.source) == (day, source)
        assert recorded.offset == (timedelta(hours=3) if source == "xmp" else None)
        del tags[tag]
    assert read_time(tags).recorded is None


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
    assert read_time({"DateTimeOriginal": value}).recorded is None
    assert read_time({"DateTimeOriginal": value}).problem is None


@pytest.mark.parametrize("value", ["9999:12:31 23:59:59", "1899:12:31 23:59:59", "2200:01:01 00:00:00"])
def test_a_date_out_of_range_is_no_time_and_says_why(value: str):
    reading = read_time({"DateTimeOriginal": value, "OffsetTimeOriginal": "-05:00"})
    assert reading.recorded is None or value.startswith("1899")  # 23:59 five hours west is in 1900
    if reading.recorded is None:
        assert (
            reading.problem == f"DateTimeOriginal says {value.replace(':', '-', 2)}, which is not between 1900 and 2199"
        )
    later = read_time({"DateTimeOriginal": "9999:12:31 23:59:59", "DateTime": "2023:06:01 10:11:12"}).recorded
    assert later is not None
    assert later.source is TimeSource.EXIF_MODIFIED


@pytest.mark.parametrize("offset", ["+99:00", "local", "+2", "", 2, None])
def test_an_offset_that_is_none_leaves_the_time(offset: object):
    recorded = read_time({"DateTimeOriginal": "2023:06:01 10:11:12", "OffsetTimeOriginal": offset}).recorded
    assert recorded is not None
    assert recorded.offset is None


@pytest.mark.parametrize(
    "note", [hyperfire(TAKEN), hyperfire(TAKEN, swapped=True), hyperfire_2(TAKEN), ultrafire(TAKEN)]
)
def test_the_date_in_a_reconyx_block_is_read(note: bytes):
    assert read_maker_note(note) == TAKEN


@pytest.mark.parametrize("note", [b"", b"\x01\xf1", b"\x01\xf1" + bytes(60), b"RECONYXUF\0", b"Canon" * 50])
def test_a_block_that_is_short_empty_or_of_another_maker_gives_none(note: bytes):
    assert read_maker_note(note) is None
