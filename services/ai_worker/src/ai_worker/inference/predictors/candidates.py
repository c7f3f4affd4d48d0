"""Tables of candidates before suppression: one row or column of numbers for each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ai_worker.inference.predictors.family import Raw, Reader, tables, the_only
from ai_worker.inference.types import Boxes, Floats, Tensor

_MASK_AXES = 3


@dataclass(frozen=True, slots=True)
class Candidates:
    """The layout of a candidate: `before` numbers, then its classes.

    When both sides of a table have that length, `rows_first` says how the family writes it.
    """

    before: int
    rows_first: bool
    family: str

    def reader(self, read: Callable[[Raw], Boxes]) -> Reader:
        """Returns the reader of this layout."""
        return Reader("candidates", self.expected, self.fits, read, split=self.split, classes_in=self.classes_in)

    def columns(self, raw: Raw) -> int:
        """Returns the numbers per candidate."""
        return self.before + raw.classes

    def expected(self, raw: Raw) -> str:
        """Returns the expected shape as text."""
        columns = self.columns(raw)
        reading = f"{self.before} + {raw.classes} classes, as {self.family} writes"
        return f"n x {columns} or {columns} x n ({reading})"

    def fits(self, raw: Raw) -> bool:
        """Returns whether an output has this layout."""
        return bool(self._fitting(raw))

    def rows(self, raw: Raw) -> Tensor:
        """Returns the table as (candidates, numbers)."""
        return the_only(self._fitting(raw))

    def split(self, raw: Raw) -> tuple[Tensor, Tensor]:
        """Returns places and confidences."""
        rows = self.rows(raw)
        return rows[:, :4], rows[:, 4:]

    def classes_in(self, raw: Raw) -> int | None:
        """Returns how many classes the file seems to have; None when no output is a table."""
        sides = [min(table.shape) for _, table in tables(raw) if min(table.shape) > self.before]
        return sides[0] - self.before if len(sides) == 1 else None

    def _fitting(self, raw: Raw) -> list[tuple[str, Tensor]]:
        columns = self.columns(raw)
        masks = _coefficients_of_masks(raw)
        fitting: list[tuple[str, Tensor]] = []
        for name, table in tables(raw):
            for width in {columns, columns + masks}:
                rows = self._upright(table, width)
                if rows is not None:
                    fitting.append((name, rows[:, :columns]))
        return fitting

    def _upright(self, table: Tensor, columns: int) -> Tensor | None:
        fits_rows, fits_columns = table.shape[1] == columns, table.shape[0] == columns
        if fits_rows and (self.rows_first or not fits_columns):
            return table
        return table.T if fits_columns else None


def by_objectness(confidences_in: Tensor, floor: float) -> tuple[NDArray[np.intp], Floats]:
    """Returns candidates at or above the floor, and objectness times class of each, from (n, 1 + classes)."""
    possible = np.flatnonzero(confidences_in[:, 0] >= floor)
    confidences = confidences_in[possible, 1:].astype(np.float32) * confidences_in[possible, :1].astype(np.float32)
    good = np.flatnonzero(confidences.max(axis=1, initial=0) >= floor)
    return possible[good], confidences[good]


def _coefficients_of_masks(raw: Raw) -> int:
    """Returns the extra numbers per candidate of a segmentation network, one per mask prototype."""
    for output in raw.outputs:
        if output.ndim == _MASK_AXES and output.shape[0] > 1:
            return int(output.shape[0])
    return 0
