"""Remembers what was read a moment ago, for as long as it does no harm that it may have changed since."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `size` values, each for `seconds`; the one that was read first is forgotten first."""

    def __init__(self, *, seconds: float, size: int) -> None:
        self._seconds = seconds
        self._size = size
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._reading: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K, read: Callable[[], Coroutine[Any, Any, V]]) -> V:
        """The value of a moment ago, or a fresh one; it is read once, however many ask for it meanwhile."""
        found = self._values.get(key)
        if found is not None and time.monotonic() < found[0]:
            return found[1]
        reading = self._reading.get(key)
        if reading is None:
            reading = self._reading[key] = asyncio.create_task(self._read(key, read))
        return await asyncio.shield(reading)  # who gives up leaves the others their answer

    async def _read(self, key: K, read: Callable[[], Coroutine[Any, Any, V]]) -> V:
        try:
            value = await read()
        finally:
            del self._reading[key]
        self._values.pop(key, None)
        self._values[key] = (time.monotonic() + self._seconds, value)
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return value
