"""Writes `observations.csv`: one row per observation, and one for each file without any."""

import csv
import io
from collections.abc import Iterable, Sequence

from trapper_cli.runs.names import byte_order
from trapper_cli.runs.outcomes import BLANK, FileOutcome, Observation

COLUMNS = (
    "file",
    "deployment",
    "captured_at",
    "sha256",
    "status",
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
)
_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")


def observations_csv(outcomes: Iterable[FileOutcome]) -> bytes:
    r"""The whole table, UTF-8, sorted by file; a byte of a file name that is not UTF-8 is written as \udcNN."""
    written = io.StringIO(newline="")
    rows = csv.writer(written, lineterminator="\r\n")  # RFC 4180; both are then quoted inside a cell
    rows.writerow(COLUMNS)
    for outcome in sorted(outcomes, key=lambda outcome: byte_order(outcome.relative)):
        for cells in _rows(outcome):
            rows.writerow([_guarded(cell) for cell in cells])
    return written.getvalue().encode("utf-8", "backslashreplace")


def _rows(outcome: FileOutcome) -> Iterable[Sequence[object]]:
    status = "failed" if outcome.failure is not None else BLANK if outcome.is_blank else "seen"
    start = (outcome.relative, outcome.deployment, outcome.captured_at, outcome.sha256, status, outcome.failure)
    if outcome.failure is not None or not outcome.observations:
        yield (*start, None if outcome.failure is not None else BLANK, *([None] * 9))
        return
    for observation in sorted(outcome.observations, key=_order):
        yield (
            *start,
            observation.observation_type,
            observation.label,
            observation.scientific_name,
            observation.count,
            _rounded(observation.detection_confidence),
            _rounded(observation.classification_confidence),
            *(_rounded(value, 5) for value in observation.bbox or (None, None, None, None)),
        )


def _order(observation: Observation) -> tuple[float, str, str, tuple[float, ...]]:
    confidence = observation.detection_confidence or 0.0
    return (-confidence, observation.observation_type, observation.label or "", observation.bbox or ())


def _rounded(value: float | None, digits: int = 4) -> float | None:
    return None if value is None else round(value, digits)


def _guarded(cell: object) -> object:
    """A text that a spreadsheet would run as a formula gets a single quote before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_BEGINNINGS) else cell
