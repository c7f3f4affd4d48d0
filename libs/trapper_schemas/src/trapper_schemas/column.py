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
_ENTRY_LENGTH = 3


class ColumnMalformed(ValueError):  # noqa: N818 - named after what is the case
    """A column whose dtype is unknown or whose bytes do not fit its shape."""


@dataclass(frozen=True, slots=True)
class Column:
    """`data` holds prod(shape) items of `dtype` in C order, little-endian; nothing is copied on the way."""

    dtype: str
    shape: tuple[int, ...]
    data: memoryview

    def __post_init__(self) -> None:
        _kind(self.dtype, self.shape)
        expected = prod(self.shape) * ITEM_BYTES[self.dtype]
        if self.data.nbytes != expected:
            raise ColumnMalformed(f"{self.data.nbytes} bytes where {self.dtype} of shape {self.shape} takes {expected}")

    @property
    def rows(self) -> int:
        """The length of the first side."""
        return self.shape[0]


@dataclass(frozen=True, slots=True)
class Planes:
    """A column as it is written: every `count`th byte side by side, which is what makes numbers compress."""

    column: Column
    count: int

    def parts(self) -> list[bytes]:
        """The planes, one after the other: bytes 0, k, 2k and so on, then bytes 1, k + 1, 2k + 1 and so on."""
        data = bytes(self.column.data)
        return [data] if self.count == 1 else [data[first :: self.count] for first in range(self.count)]


def read_columns(contents: object, data: object) -> dict[str, Column]:
    """The columns by name; `contents` has dtype, shape and planes of each, `data` the bytes of all in that order."""
    if not isinstance(contents, dict) or not isinstance(data, bytes):
        raise ColumnMalformed("columns is a map and data is binary")
    view, start = memoryview(data), 0
    columns: dict[str, Column] = {}
    for name, entry in cast("dict[str, Any]", contents).items():
        if not isinstance(entry, list) or len(cast("list[Any]", entry)) != _ENTRY_LENGTH:
            raise ColumnMalformed(f"{name[:40]}: a column is described by dtype, shape and planes")
        dtype, shape = _kind(entry[0], entry[1])
        end = start + prod(shape) * ITEM_BYTES[dtype]
        columns[name] = Column(dtype, shape, _joined(view[start:end], entry[2]))
        start = end
    if start != len(data):
        raise ColumnMalformed(f"{len(data)} bytes of data where the columns take {start}")
    return columns


def _kind(dtype: object, shape: object) -> tuple[str, tuple[int, ...]]:
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise ColumnMalformed(f"unknown dtype {dtype!r}"[:80])
    if not isinstance(shape, list | tuple) or not {int}.issuperset(map(type, cast("list[Any]", shape))):
        raise ColumnMalformed("a column's shape is a list of whole numbers")
    sides = tuple(cast("list[int]", shape))
    if not 1 <= len(sides) <= MAX_DIMENSIONS or min(sides) < 0:
        raise ColumnMalformed(f"shape {sides[:9]} is not one of 1 to {MAX_DIMENSIONS} sides")
    return dtype, sides


def _joined(data: memoryview, planes: object) -> memoryview:
    """Bytes in their own order again."""
    if type(planes) is int and planes == 1:
        return data
    if type(planes) is not int or not 1 < planes <= MAX_PLANES or data.nbytes % planes:
        raise ColumnMalformed(f"{data.nbytes} bytes do not lie in {planes!r} planes")
    size = data.nbytes // planes
    result = bytearray(data.nbytes)
    for first in range(planes):
        result[first::planes] = data[first * size : (first + 1) * size]
    return memoryview(result).toreadonly()
