"""Waiting for news without a connection: one LISTEN connection per process wakes waiters in this process."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import asyncpg

from trapper_kit.logs import log


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


async def listen(url: str, channels: tuple[str, ...], waiters: Waiters, *, retry_seconds: float = 1.0) -> None:
    """Feed the waiters from PostgreSQL's notifications until cancelled; reconnects when the connection is lost."""
    plain = url.replace("+asyncpg", "")
    while True:
        lost = asyncio.Event()
        try:
            connection = await asyncpg.connect(plain)
        except (OSError, asyncpg.PostgresError):
            await asyncio.sleep(retry_seconds)
            continue
        try:
            connection.add_termination_listener(lambda *_, lost=lost: lost.set())
            for channel in channels:
                await connection.add_listener(
                    channel, lambda _connection, _pid, name, payload: waiters.wake(name, int(payload or 1))
                )
            waiters.wake_all()
            await lost.wait()
            log("notify.lost")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(retry_seconds)
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=1)
