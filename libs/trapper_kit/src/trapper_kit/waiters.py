"""Waiting for news inside one process, without holding a connection."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager


class Waiters:
    """Events by channel; a notification with payload n wakes the n that have waited longest."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, OrderedDict[asyncio.Event, None]] = defaultdict(OrderedDict)

    def wake(self, channel: str, count: int) -> None:
        """Wake up to `count` waiters of the channel."""
        waiting = self._waiting[channel]
        for _ in range(min(count, len(waiting))):
            waiting.popitem(last=False)[0].set()

    def wake_all(self) -> None:
        """Everybody looks again: after a lost connection, something may have been missed."""
        for channel in list(self._waiting):
            self.wake(channel, len(self._waiting[channel]))

    @asynccontextmanager
    async def waiter(self, channel: str, at_most: float) -> AsyncGenerator[Callable[[], Awaitable[bool]], None]:
        """Registered before the first look; `await more()` is True when there may be news, False when time is up.

        News that nobody looked at any more is passed on to the next one who waits.
        """
        ends = asyncio.get_running_loop().time() + at_most
        event = asyncio.Event()
        self._waiting[channel][event] = None

        async def more() -> bool:
            left = ends - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            try:
                async with asyncio.timeout(left):  # wait_for would miss a cancellation that comes with the news
                    await event.wait()
            except TimeoutError:
                return False
            event.clear()
            self._waiting[channel][event] = None
            return True

        try:
            yield more
        finally:
            self._waiting[channel].pop(event, None)
            if event.is_set():
                self.wake(channel, 1)
