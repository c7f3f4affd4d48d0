"""Columns of the wire as numpy arrays and back, without a copy; for Expert and Worker only."""

import numpy as np
from numpy.typing import NDArray

from trapper_schemas.column import Column
from trapper_schemas.v1.results import FIXED_POINT


def to_array(column: Column) -> NDArray[np.generic]:
    """A read-only view of the column's bytes."""
    return np.frombuffer(column.data, dtype=np.dtype(column.dtype)).reshape(column.shape)


def to_column(array: NDArray[np.generic]) -> Column:
    """The array's bytes as a column; copied only when it is not contiguous and little-endian already."""
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    data = little.reshape(-1).view(np.uint8).data if little.size else memoryview(b"")
    return Column(little.dtype.str.replace("|", "<"), little.shape, data)


def to_fixed(values: NDArray[np.floating]) -> NDArray[np.uint16]:
    """Fractions (0 to 1, clipped) as 1/65535 steps."""
    return np.rint(np.clip(values, 0.0, 1.0) * FIXED_POINT).astype("<u2")


def from_fixed(values: NDArray[np.generic]) -> NDArray[np.float64]:
    """1/65535 steps as fractions."""
    return np.asarray(values, dtype=np.float64) / FIXED_POINT
