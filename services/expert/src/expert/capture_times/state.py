"""Where the offset of a recorded time comes from, and what can be wrong with the time."""

from enum import StrEnum

ROWS_CHANGED = frozenset({"resources_changed", "observations_changed"})
"""Fields of the reply to a change: how many rows have other times or flags because of it."""


class OffsetSource(StrEnum):
    """Written beside the time in the file, taken from the location's time zone, or unknown."""

    FILE = "file"
    PLACE = "place"
    NONE = "none"


class TimeIssue(StrEnum):
    """Why `captured_at` is absent or may be wrong by an hour.

    `ambiguous`: the hour came twice at the end of summer time, and the order of the files does not say which one it is;
    `nonexistent`: the hour was skipped at the start of summer time; `out_of_range`: the file says a time before 1900 or
    after 2199.
    """

    AMBIGUOUS = "ambiguous"
    NONEXISTENT = "nonexistent"
    OUT_OF_RANGE = "out_of_range"
