"""Writes `observations.csv`: one row per observation, one for each file without any, one for what was not read."""

import csv
import io
from collections.abc import Iterable, Sequence

from trapper_cli.runs.names import as_text, byte_order
from trapper_cli.runs.outcomes import BLANK, FileOutcome, Observation, RunResult, Status

COLUMNS = (
    "file",
    "deployment",
    "captured_at",
    "time_source",
    "sha256",
    "same_as",
    "status",
    "damaged",
    "failure",
    "observation_type",
    "label",
    "scientific_name",
    "count",
    "detection_confidence",
    "classification_confidence",
    "x",
    "y",
    "width",
    "height",
    "collection",
)
NOT_READ = "not read"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


def observations_csv(result: RunResult, *, byte_order_mark: bool = False) -> bytes:
    r"""The whole table, UTF-8, sorted by file; a byte of a file name that is not UTF-8 is written as \xNN."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\r\n")  # RFC 4180; both are then quoted inside a cell
    rows.writerow(COLUMNS)
    of_files = [(outcome.relative, _rows(outcome)) for outcome in result.outcomes]
    of_gaps = [(gap.relative, [_gap(gap.relative, gap.reason)]) for gap in result.gaps]
    for _, cells_of_rows in sorted([*of_files, *of_gaps], key=lambda pair: byte_order(pair[0])):
        for cells in cells_of_rows:
            rows.writerow([guarded(cell) for cell in (*cells, result.collection)])
    return (BYTE_ORDER_MARK if byte_order_mark else b"") + text.getvalue().encode("utf-8")


def guarded(cell: object) -> object:
    """A text that a spreadsheet would run as a formula gets a single quote before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_BEGINNINGS) else cell


def _rows(outcome: FileOutcome) -> list[Sequence[object]]:
    status = outcome.status
    start = (
        as_text(outcome.relative),
        None if outcome.deployment is None else as_text(outcome.deployment),
        outcome.captured_at,
        outcome.time_source,
        outcome.sha256,
        None if outcome.kept_at is None else as_text(outcome.kept_at.path),
        NOT_READ if outcome.is_unread else status,
        "yes" if outcome.is_damaged else None,
        outcome.failure,
    )
    if outcome.failure is not None or not outcome.observations:
        return [(*start, BLANK if status is Status.BLANK else None, *([None] * 9))]
    return [(*start, *_cells(observation)) for observation in sorted(outcome.observations, key=_order)]


def _cells(observation: Observation) -> Iterable[object]:
    return (
        observation.observation_type,
        observation.label,
        observation.scientific_name,
        observation.count,
        _rounded(observation.detection_confidence),
        _rounded(observation.classification_confidence),
        *(_rounded(value, 5) for value in observation.bbox or (None, None, None, None)),
    )


def _gap(relative: str, reason: str) -> Sequence[object]:
    return (as_text(relative), *([None] * 5), NOT_READ, None, reason, *([None] * 10))


def _order(observation: Observation) -> tuple[float, str, str, tuple[float, ...]]:
    confidence = observation.detection_confidence or 0.0
    return (-confidence, observation.observation_type, observation.label or "", observation.bbox or ())


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)
