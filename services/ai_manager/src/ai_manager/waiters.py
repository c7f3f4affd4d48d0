"""Waiters for notifications inside one process, without a connection each."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

More = Callable[..., Coroutine[Any, Any, bool]]


@dataclass(eq=False)
class _Waiter:
    """A waiter, its start, and the notification that woke it last."""

    since: int
    news: int = 0
    event: asyncio.Event = field(default_factory=asyncio.Event)


class Waiters:
    """Events by channel; a notification with payload n wakes the n longest waiting (FIFO)."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, OrderedDict[_Waiter, None]] = defaultdict(OrderedDict)
        self._wakeups = 0
        """News that came so far, on any channel."""

    def wake(self, channel: str, count: int) -> None:
        """Wakes up to `count` waiters of the channel."""
        self._wakeups += 1
        self._wake(channel, count, self._wakeups)

    def wake_all(self) -> None:
        """Wakes every waiter, because a lost connection may have missed notifications."""
        for channel in list(self._waiting):
            self.wake(channel, len(self._waiting[channel]))

    def _wake(self, channel: str, count: int, news: int) -> None:
        """Wakes in FIFO order; a waiter registered after the notification has already polled and is skipped."""
        waiting = self._waiting[channel]
        for _ in range(min(count, len(waiting))):
            first = next(iter(waiting))
            if first.since >= news:
                return
            del waiting[first]
            first.news = news
            first.event.set()

    @asynccontextmanager
    async def waiter(self, channel: str, at_most: float) -> AsyncGenerator[More, None]:
        """Registers before the first poll; `await more()` returns True for news, False when the time is up.

        News that nobody looked at any more is passed on to the next one who waits; and so is, with `pass_on`, news
        that was looked at and is for somebody else.
        """
        ends = asyncio.get_running_loop().time() + at_most
        waiter = _Waiter(since=self._wakeups)
        self._waiting[channel][waiter] = None

        async def more(*, pass_on: bool = False) -> bool:
            if pass_on and waiter.news:
                self._wake(channel, 1, waiter.news)
            left = ends - asyncio.get_running_loop().time()
            if left <= 0:
                return False
            try:
                async with asyncio.timeout(left):  # wait_for would miss a cancellation that comes with the news
                    await waiter.event.wait()
            except TimeoutError:
                return False
            waiter.event.clear()
            waiter.since = self._wakeups
            self._waiting[channel][waiter] = None
            return True

        try:
            yield more
        finally:
            self._waiting[channel].pop(waiter, None)
            if waiter.event.is_set():
                self._wake(channel, 1, waiter.news)
