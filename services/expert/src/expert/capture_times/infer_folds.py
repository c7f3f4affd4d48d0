"""Infer which of two equal hours a photo was taken in, from the order of the files on the card."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from expert.capture_times.resolve import zone_offset

NEIGHBOURHOOD = timedelta(days=1)
"""How far around a repeated hour the order of files is looked at."""
_SECOND = timedelta(seconds=1)
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class CardFile:
    """A file of a card: its path gives the order, its recorded time is naive."""

    id: UUID
    path: str
    recorded_at: datetime


def infer_folds(zone: ZoneInfo, files: Sequence[CardFile]) -> dict[UUID, int]:
    """The fold (0 first, 1 second hour) of each file whose hour came twice; files that do not tell are left out.

    The files of a card are numbered in the order taken. Around a repeated hour they must be in the order of their
    times, but for one step back within the hour itself: what lies before that step is of the first hour.
    """
    near = [(ends, file) for file in files if (ends := _set_back(zone, file.recorded_at)) is not None]
    near.sort(key=lambda pair: (pair[0], path_key(pair[1].path)))
    folds: dict[UUID, int] = {}
    for _, group in groupby(near, key=lambda pair: pair[0]):
        folds |= _infer(zone, [file for _, file in group])
    return folds


def path_key(path: str) -> list[tuple[int, int, str]]:
    """A sort key in which IMG_2 stands before IMG_10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in _DIGITS.split(path) if part]


def _infer(zone: ZoneInfo, files: Sequence[CardFile]) -> dict[UUID, int]:
    repeats = [zone_offset(zone, file.recorded_at) > zone_offset(zone, file.recorded_at, fold=1) for file in files]
    if True not in repeats:
        return {}
    first, last = repeats.index(True), len(repeats) - 1 - repeats[::-1].index(True)
    hour = files[first : last + 1]
    begins, ends = min(file.recorded_at for file in hour), max(file.recorded_at for file in hour)
    in_order = (
        all(repeats[first : last + 1])
        and all(file.recorded_at < begins for file in files[:first])
        and all(file.recorded_at > ends for file in files[last + 1 :])
    )
    steps_back = [at for at, (file, later) in enumerate(pairwise(hour), 1) if later.recorded_at < file.recorded_at]
    if not in_order or len(steps_back) != 1:
        return {}
    return {file.id: int(at >= steps_back[0]) for at, file in enumerate(hour)}


def _set_back(zone: ZoneInfo, recorded: datetime) -> datetime | None:
    """The wall-clock end of the repeated hour within a day of this time; None when there is none."""
    before, after = recorded - NEIGHBOURHOOD, recorded + NEIGHBOURHOOD
    lower = zone_offset(zone, after)
    if zone_offset(zone, before) <= lower:
        return None
    while after - before > _SECOND:
        middle = before + (after - before) / 2
        if zone_offset(zone, middle) > lower:
            before = middle
        else:
            after = middle
    return after.replace(second=0, microsecond=0)
