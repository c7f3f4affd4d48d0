"""One LISTEN connection per process feeds the waiters of that process with PostgreSQL's notifications."""

import asyncio
from contextlib import suppress

import asyncpg

from trapper_kit.logs import log
from trapper_kit.waiters import Waiters


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
