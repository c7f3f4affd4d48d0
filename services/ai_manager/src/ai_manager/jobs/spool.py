"""Buffers of a submission while it is read: small in memory, whatever the number of resources."""

from array import array
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from uuid import UUID

IN_MEMORY_BYTES = 256 * 1024
_ID_BYTES = 16
_FEW = 1 << 12


class Chunks:
    """Packed chunks in order; beyond a limit they are in a temporary file."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - `close` closes it
        self._lengths: list[tuple[int, int]] = []

    def add(self, size: int, packed: bytes) -> None:
        """Adds a packed chunk of `size` resources."""
        self._file.write(packed)
        self._lengths.append((size, len(packed)))

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        self._file.seek(0)
        for size, length in self._lengths:
            yield size, self._file.read(length)

    def close(self) -> None:
        """Closes the temporary file."""
        self._file.close()


class Ids:
    """A set of ids in a fifth of the memory of a set: an array and an open-addressing hash table."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._places = array("I", bytes(4 * _FEW))

    def __len__(self) -> int:
        return len(self._ids) // _ID_BYTES

    def add(self, resource_id: bytes) -> bool:
        """Whether it is new."""
        slot = self._find(resource_id)
        if self._places[slot]:
            return False
        self._ids += resource_id
        self._places[slot] = len(self)  # a place counts from 1: 0 is free
        if 2 * len(self) > len(self._places):
            self._grow()
        return True

    def in_groups(self, size: int) -> Iterator[list[UUID]]:
        """Yields all ids in their order, `size` at a time."""
        for start in range(0, len(self), size):
            ids = memoryview(self._ids)[start * _ID_BYTES : (start + size) * _ID_BYTES]
            yield [UUID(bytes=bytes(ids[at : at + _ID_BYTES])) for at in range(0, len(ids), _ID_BYTES)]

    def _find(self, resource_id: bytes) -> int:
        """Returns the slot where the id is, or would be."""
        mask = len(self._places) - 1
        slot = hash(resource_id) & mask
        while place := self._places[slot]:
            if self._ids.startswith(resource_id, (place - 1) * _ID_BYTES):
                break
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        self._places = array("I", bytes(8 * len(self._places)))
        for place in range(1, len(self) + 1):
            resource_id = bytes(self._ids[(place - 1) * _ID_BYTES : place * _ID_BYTES])
            self._places[self._find(resource_id)] = place
