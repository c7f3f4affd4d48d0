"""A typed array on the wire: dtype, shape and little-endian bytes, checked against each other."""

from dataclasses import dataclass
from math import prod
from typing import Any, cast

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
MAX_PLANES = 64
_FIELDS = ({"dtype", "shape", "data"}, {"dtype", "shape", "data", "planes"})


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
        if not 1 <= len(self.shape) <= MAX_DIMENSIONS or min(self.shape) < 0:
            raise ColumnMalformed(f"shape {self.shape} is not one of 1 to {MAX_DIMENSIONS} sides")
        expected = prod(self.shape) * ITEM_BYTES[self.dtype]
        if self.data.nbytes != expected:
            raise ColumnMalformed(f"{self.data.nbytes} bytes where {self.dtype} of shape {self.shape} takes {expected}")

    @property
    def rows(self) -> int:
        """The length of the first side."""
        return self.shape[0]

    @classmethod
    def from_wire(cls, value: object) -> "Column":
        """From an unpacked map of dtype, shape, data and, if need be, planes; anything else is ColumnMalformed."""
        if not isinstance(value, dict):
            raise ColumnMalformed("a column is a map of dtype, shape and data")
        fields = cast("dict[str, Any]", value)
        if fields.keys() not in _FIELDS:
            raise ColumnMalformed("a column is a map of dtype, shape and data")
        dtype, shape, data = fields["dtype"], fields["shape"], fields["data"]
        if not isinstance(dtype, str) or not isinstance(data, bytes | bytearray | memoryview):
            raise ColumnMalformed("a column's dtype is text and its data is binary")
        if not isinstance(shape, list | tuple) or not {int}.issuperset(map(type, cast("list[Any]", shape))):
            raise ColumnMalformed("a column's shape is a list of whole numbers")
        return cls(dtype, tuple(cast("list[int]", shape)), _joined(memoryview(data), fields.get("planes", 1)))


@dataclass(frozen=True, slots=True)
class Planes:
    """A column as it is written: every `count`th byte side by side, which is what makes numbers compress."""

    column: Column
    count: int

    def parts(self) -> list[bytes]:
        """The planes, one after the other: bytes 0, k, 2k and so on, then bytes 1, k + 1, 2k + 1 and so on."""
        data = bytes(self.column.data)
        return [data] if self.count == 1 else [data[first :: self.count] for first in range(self.count)]


def _joined(data: memoryview, planes: object) -> memoryview:
    """Bytes in their own order again."""
    if planes == 1:
        return data
    if type(planes) is not int or not 1 < planes <= MAX_PLANES or data.nbytes % planes:
        raise ColumnMalformed(f"{data.nbytes} bytes do not lie in {planes!r} planes")
    size = data.nbytes // planes
    result = bytearray(data.nbytes)
    for first in range(planes):
        result[first::planes] = data[first * size : (first + 1) * size]
    return memoryview(result).toreadonly()
