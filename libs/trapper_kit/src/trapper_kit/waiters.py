"""Waiting for news inside one process, without holding a connection."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress


class Waiters:
    """Events by channel; a notification with payload n wakes the n that have waited longest."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[asyncio.Event]] = defaultdict(deque)

    def wake(self, channel: str, count: int) -> None:
        """Wake up to `count` waiters of the channel."""
        waiting = self._waiting[channel]
        for _ in range(min(count, len(waiting))):
            waiting.popleft().set()

    def wake_all(self) -> None:
        """Everybody looks again: after a lost connection, something may have been missed."""
        for channel in list(self._waiting):
            self.wake(channel, len(self._waiting[channel]))

    @asynccontextmanager
    async def waiter(self, channel: str, at_most: float) -> AsyncGenerator[Callable[[], Awaitable[bool]], None]:
        """Registered before the first look; `await more()` is True when there may be news, False when time is up."""
        ends = asyncio.get_running_loop().time() + at_most
        event = asyncio.Event()
        self._waiting[channel].append(event)

        async def more() -> bool:
            left = ends - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            try:
                await asyncio.wait_for(event.wait(), left)
            except TimeoutError:
                return False
            event.clear()
            self._waiting[channel].append(event)
            return True

        try:
            yield more
        finally:
            with suppress(ValueError):
                self._waiting[channel].remove(event)
