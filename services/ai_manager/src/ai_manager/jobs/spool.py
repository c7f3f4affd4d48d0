"""What a submission leaves while it is read: small in memory, however many resources it names."""

from array import array
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from uuid import UUID

IN_MEMORY_BYTES = 256 * 1024
_ID_BYTES = 16
_FEW = 1 << 12


class Chunks:
    """Packed chunks in the order in which they came; beyond some they lie in a file without a name."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - `close` closes it
        self._lengths: list[tuple[int, int]] = []

    def add(self, size: int, packed: bytes) -> None:
        """One more, of so many resources."""
        self._file.write(packed)
        self._lengths.append((size, len(packed)))

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        self._file.seek(0)
        for size, length in self._lengths:
            yield size, self._file.read(length)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class Ids:
    """A set of ids in a fifth of the memory: the ids one after the other, and an open table of their places."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._places = array("I", bytes(4 * _FEW))

    def __len__(self) -> int:
        return len(self._ids) // _ID_BYTES

    def add(self, one: bytes) -> bool:
        """Whether it is new."""
        slot = self._find(one)
        if self._places[slot]:
            return False
        self._ids += one
        self._places[slot] = len(self)  # a place counts from 1: 0 is free
        if 2 * len(self) > len(self._places):
            self._grow()
        return True

    def in_helpings(self, size: int) -> Iterator[list[UUID]]:
        """All of them in the order in which they came, so many at once."""
        for start in range(0, len(self), size):
            ids = memoryview(self._ids)[start * _ID_BYTES : (start + size) * _ID_BYTES]
            yield [UUID(bytes=bytes(ids[at : at + _ID_BYTES])) for at in range(0, len(ids), _ID_BYTES)]

    def _find(self, one: bytes) -> int:
        """The slot in which it is, or would be."""
        mask = len(self._places) - 1
        slot = hash(one) & mask
        while place := self._places[slot]:
            if self._ids.startswith(one, (place - 1) * _ID_BYTES):
                break
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        self._places = array("I", bytes(8 * len(self._places)))
        for place in range(1, len(self) + 1):
            one = bytes(self._ids[(place - 1) * _ID_BYTES : place * _ID_BYTES])
            self._places[self._find(one)] = place
