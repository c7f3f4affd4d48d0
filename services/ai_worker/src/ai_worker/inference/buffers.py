"""Reusable memory for decoded pictures and their tensors.

A fresh block of this size is mapped and zeroed page by page each time, which at 12 megapixels costs a tenth of
decoding. A block is free again when nobody but the pool refers to it, views included.
"""

import sys
import threading

import numpy as np

from ai_worker.inference.types import Pixels

_OURS = 3
"""References to a block that nobody uses: the pool's, the loop's, and the one that counts them."""
_TOO_LARGE = 2


class BufferPool:
    """Blocks for pictures, of which at most `keep_bytes` are kept for reuse; thread-safe."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._blocks: list[Pixels] = []
        self._lock = threading.Lock()

    def take(self, count: int) -> Pixels:
        """Returns a block of that size, with undefined content."""
        with self._lock:
            for block in self._blocks:
                if count <= block.nbytes <= _TOO_LARGE * count and sys.getrefcount(block) == _OURS:
                    return block[:count]
            block = np.empty(count, dtype=np.uint8)
            if count <= self._keep_bytes and self._make_room(count):
                self._blocks.append(block)
            return block[:]

    @property
    def bytes(self) -> int:
        """The bytes of all blocks, in use or not."""
        return sum(block.nbytes for block in self._blocks)

    def _make_room(self, count: int) -> bool:
        """Drops unused blocks, oldest first, until the new one fits; returns whether it does."""
        for block in list(self._blocks):
            if self.bytes + count <= self._keep_bytes:
                break
            if sys.getrefcount(block) == _OURS + 1:  # the copied list refers to it as well
                self._blocks = [kept for kept in self._blocks if kept is not block]
        return self.bytes + count <= self._keep_bytes
