"""A typed array on the wire: dtype, shape and little-endian bytes, checked against each other."""

from dataclasses import dataclass
from math import prod

ITEM_BYTES = {
    "<u1": 1,
    "<u2": 2,
    "<u4": 4,
    "<i4": 4,
    "<i8": 8,
    "<f2": 2,
    "<f4": 4,
    "<f8": 8,
}
MAX_DIMENSIONS = 3


class ColumnMalformed(ValueError):  # noqa: N818 - named after what is the case
    """A column whose dtype is unknown or whose bytes do not fit its shape."""


@dataclass(frozen=True, slots=True)
class Column:
    """`data` holds prod(shape) items of `dtype` in C order, little-endian; nothing is copied on the way."""

    dtype: str
    shape: tuple[int, ...]
    data: memoryview

    def __post_init__(self) -> None:
        if self.dtype not in ITEM_BYTES:
            raise ColumnMalformed(f"unknown dtype {self.dtype!r}")
        if not 1 <= len(self.shape) <= MAX_DIMENSIONS or any(side < 0 for side in self.shape):
            raise ColumnMalformed(f"shape {self.shape} is not one of 1 to {MAX_DIMENSIONS} sides")
        expected = prod(self.shape) * ITEM_BYTES[self.dtype]
        if self.data.nbytes != expected:
            raise ColumnMalformed(f"{self.data.nbytes} bytes where {self.dtype} of shape {self.shape} takes {expected}")

    @property
    def rows(self) -> int:
        """The length of the first side."""
        return self.shape[0]

    def to_wire(self) -> dict[str, object]:
        """As it is packed."""
        return {"dtype": self.dtype, "shape": list(self.shape), "data": self.data}

    @classmethod
    def from_wire(cls, value: object) -> "Column":
        """From an unpacked map of exactly dtype, shape and data; anything else is ColumnMalformed."""
        if isinstance(value, Column):
            return value
        if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data"}:
            raise ColumnMalformed("a column is a map of dtype, shape and data")
        dtype, shape, data = value["dtype"], value["shape"], value["data"]
        if not isinstance(dtype, str) or not isinstance(data, bytes | bytearray | memoryview):
            raise ColumnMalformed("a column's dtype is text and its data is binary")
        if not isinstance(shape, list | tuple) or not all(type(side) is int for side in shape):
            raise ColumnMalformed("a column's shape is a list of whole numbers")
        return cls(dtype, tuple(shape), memoryview(data))
