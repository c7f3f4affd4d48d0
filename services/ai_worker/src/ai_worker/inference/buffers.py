"""Memory that decoded pictures and the tensors made of them lie in, used again for the next ones.

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
    """Blocks for pictures, `keep_bytes` at most kept for later; safe for several threads."""

    def __init__(self, keep_bytes: int) -> None:
        self._keep_bytes = keep_bytes
        self._blocks: list[Pixels] = []
        self._lock = threading.Lock()

    def take(self, count: int) -> Pixels:
        """That many bytes; whatever was in them is still there."""
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
        """How much lies here, in use or not."""
        return sum(block.nbytes for block in self._blocks)

    def _make_room(self, count: int) -> bool:
        """Drop blocks that nobody uses, oldest first, until the new one fits; whether it does."""
        for block in list(self._blocks):
            if self.bytes + count <= self._keep_bytes:
                break
            if sys.getrefcount(block) == _OURS + 1:  # the copied list refers to it as well
                self._blocks = [other for other in self._blocks if other is not block]
        return self.bytes + count <= self._keep_bytes
