"""Remembers what was read a moment ago, for as long as it does no harm that it may have changed since."""

import time
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `size` values, each for `seconds`; the one that was put first is forgotten first."""

    def __init__(self, *, seconds: float, size: int) -> None:
        self._seconds = seconds
        self._size = size
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, if it was put a moment ago."""
        found = self._values.get(key)
        return found[1] if found is not None and time.monotonic() < found[0] else None

    def put(self, key: K, value: V) -> V:
        """Remember it from now on."""
        self._values.pop(key, None)
        self._values[key] = (time.monotonic() + self._seconds, value)
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return value

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()
