"""A cache of values that may be a moment old."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from cachetools import TTLCache

K = TypeVar("K")
V = TypeVar("V")


class AsyncTTLCache(Generic[K, V]):
    """At most `size` values, each for `seconds`; concurrent readers of a key share one read (coalescing)."""

    def __init__(self, *, seconds: float, size: int) -> None:
        self._reads: TTLCache[K, asyncio.Task[V]] = TTLCache(size, seconds)

    async def get(self, key: K, read: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """Returns the cached value, or reads it; errors are not cached."""
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(read())
            task.add_done_callback(lambda ended: self._drop_failed(key, ended))
        return await asyncio.shield(task)  # a caller that is cancelled leaves the others their value

    def _drop_failed(self, key: K, task: "asyncio.Task[V]") -> None:
        failed = task.cancelled() or task.exception() is not None
        if failed and self._reads.get(key) is task:
            del self._reads[key]
