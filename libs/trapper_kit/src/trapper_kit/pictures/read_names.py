"""Read times from file names; a pattern counts only when every file of the folder that matches it makes sense."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from trapper_kit.pictures.read_time import valid_time

_PATTERNS = (
    # 20231106_021530, 2023-11-06 02-15-30, 2023-11-06T02h15m30, 20231106 021530 PM
    re.compile(
        r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<a>[-_.]?)(?P<month>\d\d)(?P=a)(?P<day>\d\d)[ T_.-]{0,2}"
        r"(?P<hour>\d\d)(?:(?P<b>[-_.:]?)(?P<minute>\d\d)(?P=b)|h(?P<minute_h>\d\d)m)(?P<second>\d\d)(?!\d)"
        r"(?:[ _-]?(?P<half>[AP]M)(?![A-Z]))?",
        re.IGNORECASE,
    ),
    # 230615143000, 230615_143000
    re.compile(
        r"(?<!\d)(?P<year>\d\d)(?P<month>\d\d)(?P<day>\d\d)[ T_-]?(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?!\d)"
        r"(?:[ _-]?(?P<half>[AP]M)(?![A-Z]))?",
        re.IGNORECASE,
    ),
)
_EARLIEST = datetime(1970, 1, 1)  # noqa: DTZ001 - a camera's clock has no zone
_AHEAD = timedelta(days=2)
"""Beyond today's date on the far side of the date line, a number in a name is no date."""
_CENTURY = 2000
_NOON = 12
_COUNTER = re.compile(r"\d+")


def read_names(names: Sequence[str], *, now: datetime) -> list[datetime | None]:
    """The naive time in each name of a folder's files, by the first pattern that holds for all that match it."""
    times: list[datetime | None] = [None] * len(names)
    for pattern in _PATTERNS:
        matches = [(at, match) for at, name in enumerate(names) if (match := pattern.search(name))]
        read = [(at, match, _time(match)) for at, match in matches]
        if not all(time is not None and _EARLIEST <= time <= now.replace(tzinfo=None) + _AHEAD for *_, time in read):
            continue
        if not _in_order(read):
            continue
        for at, _, time in read:
            times[at] = times[at] or time
    return times


def _time(match: re.Match[str]) -> datetime | None:
    parts = match.groupdict()
    year, hour = int(parts["year"]), int(parts["hour"])
    if parts["half"] is not None:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if parts["half"].upper() == "PM" else 0)
    minute = parts["minute"] or parts.get("minute_h")
    return valid_time(
        (year if year > _CENTURY / 2 else year + _CENTURY, parts["month"], parts["day"], hour, minute, parts["second"])
    )


def _in_order(read: Sequence[tuple[int, re.Match[str], datetime | None]]) -> bool:
    """Whether times rise with the counter beside them, where each file has its own; it may wrap once."""
    counted: dict[int, datetime] = {}
    for _, match, time in read:
        counters = _COUNTER.findall(match.string[match.end() :])
        if not counters or time is None or int(counters[0]) in counted:
            return True
        counted[int(counters[0])] = time
    times = [counted[counter] for counter in sorted(counted)]
    return sum(later < earlier for earlier, later in pairwise(times)) <= 1
