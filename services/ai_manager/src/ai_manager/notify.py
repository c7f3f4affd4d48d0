"""One LISTEN connection per process feeds the waiters of that process with PostgreSQL's notifications."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg

from ai_manager.waiters import Waiters
from trapper_kit.logs import log

LOOK_SECONDS = 15.0
"""Between two looks whether a silent connection still answers; one that a router forgot never says that it is gone."""


async def listen(
    url: str,
    channels: tuple[str, ...],
    waiters: Waiters,
    *,
    retry_seconds: float = 1.0,
    look_seconds: float = LOOK_SECONDS,
) -> None:
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
            await _until_lost(connection, lost, look_seconds)
            log("notify.lost")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(retry_seconds)
        finally:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=1)


async def _until_lost(connection: Any, lost: asyncio.Event, look_seconds: float) -> None:
    """Listens until the connection ends; TimeoutError when it is silent and does not answer."""
    while not lost.is_set():
        try:
            await asyncio.wait_for(lost.wait(), look_seconds)
        except TimeoutError:
            await connection.execute("select 1", timeout=look_seconds)
