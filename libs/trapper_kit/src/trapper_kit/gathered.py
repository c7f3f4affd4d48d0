"""Passes on in a moment, together and each once, what is said one by one: the sayer does not wait."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from trapper_kit.logs import log

K = TypeVar("K")
GATHER_SECONDS = 0.02
"""Nobody notices it, and a thousand rings a second become fifty."""


class Gathered(Generic[K]):
    """For what may be lost, such as notifications: a process that dies in that moment loses what it had gathered."""

    def __init__(self, deliver: Callable[[Sequence[K]], Awaitable[None]], *, seconds: float = GATHER_SECONDS) -> None:
        self._deliver = deliver
        self._seconds = seconds
        self._said: list[K] = []
        self._delivering: asyncio.Task[None] | None = None

    def __call__(self, *said: K) -> None:
        """Pass these on soon; what was said a moment ago already is passed on once."""
        self._said += [one for one in said if one not in self._said]
        if self._delivering is None or self._delivering.done():
            self._delivering = asyncio.create_task(self._deliver_all())

    async def close(self) -> None:
        """Wait until everything is passed on."""
        if self._delivering is not None:
            await self._delivering

    async def _deliver_all(self) -> None:
        while self._said:
            await asyncio.sleep(self._seconds)
            said, self._said = self._said, []
            try:
                await self._deliver(said)
            except Exception as problem:  # noqa: BLE001 - nobody waits who could be told
                log("messages.lost", error=problem)
