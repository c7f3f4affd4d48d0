"""The order of files on a card says which of two equal hours a photo was taken in, or that nobody knows."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from expert.capture_times.infer_folds import CardFile, infer_folds, path_key
from trapper_schemas.ids import uuid7

WARSAW = ZoneInfo("Europe/Warsaw")


def card(*times: str, names: list[str] | None = None, day: str = "2023-10-29") -> list[CardFile]:
    given = names or [f"DCIM/IMG_{number}.JPG" for number in range(8, 8 + len(times))]
    return [
        CardFile(uuid7(), name, datetime.fromisoformat(f"{day}T{time}"))
        for name, time in zip(given, times, strict=True)
    ]


def folds(files: list[CardFile], zone: ZoneInfo = WARSAW) -> list[int | None]:
    found: dict[UUID, int] = infer_folds(zone, list(reversed(files)))
    return [found.get(file.id) for file in files]


def test_three_photos_sort_in_the_order_taken():
    assert folds(card("02:55", "02:05", "03:01")) == [0, 1, None]


def test_photos_every_ten_minutes_through_both_hours_are_told_apart():
    times = ["01:50", *(f"02:{minute}0" for minute in range(6)), *(f"02:{minute}0" for minute in range(6)), "03:00"]
    assert folds(card(*times)) == [None, *[0] * 6, *[1] * 6, None]


def test_rising_times_do_not_tell():
    assert folds(card("01:59", "02:10", "02:50", "03:10")) == [None] * 4
    assert folds(card("02:30")) == [None]


def test_two_steps_back_or_files_out_of_order_do_not_tell():
    assert folds(card("02:55", "02:05", "02:50", "02:01")) == [None] * 4
    assert folds(card("03:10", "02:55", "02:05")) == [None] * 3
    assert folds(card("02:55", "01:10", "02:05")) == [None] * 3


def test_the_order_is_that_of_numbers_not_of_letters():
    files = card("02:55", "02:05", names=["100RECNX/IMG_9.JPG", "100RECNX/IMG_10.JPG"])
    assert folds(files) == [0, 1]
    assert sorted(["b", "a10", "a2", "A1"], key=path_key) == ["A1", "a2", "a10", "b"]


def test_half_an_hour_and_other_zones_are_read_alike():
    files = card("01:55", "01:35", "02:10", day="2023-04-02")
    assert folds(files, ZoneInfo("Australia/Lord_Howe")) == [0, 1, None]


def test_each_autumn_is_inferred_for_itself():
    files = card("02:55", "02:05") + card("02:30", names=["DCIM/IMG_99.JPG"], day="2022-10-30")
    assert folds(files) == [0, 1, None]
