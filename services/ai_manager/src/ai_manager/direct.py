"""Prepared statements without a session, for those that run a thousand times a second."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import asyncpg

from trapper_kit.db import CONNECT_SECONDS, SILENCE_SECONDS
from trapper_kit.micro_batcher import MicroBatcher

K = TypeVar("K")
V = TypeVar("V")
_CONNECTION_LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)
CLOSE_SECONDS = 5.0
NEVER = 2**31

APPLICATION_NAME = "trapper direct"
"""The name of these connections in the database."""
PLANNING = {
    "plan_cache_mode": "force_generic_plan",  # planning takes longer than running
    "enable_seqscan": "off",  # a plan that was made while a table was small lives on when it has grown
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


class ConnectionLost(ConnectionError):  # noqa: N818 - named after what is the case
    """The database did not answer; the statement may or may not have run."""


class Direct:
    """A small connection pool; every statement is a transaction of its own."""

    def __init__(self, url: str, *, size: int, statement_timeout_seconds: float = 30.0) -> None:
        timeout = str(int(statement_timeout_seconds * 1000))
        self._pool_options: dict[str, Any] = {
            "dsn": url.replace("+asyncpg", ""),
            "min_size": 0,
            "max_size": size,
            "max_queries": NEVER,
            "init": _prepare,
            "reset": _keep,
            "server_settings": {"application_name": APPLICATION_NAME, "statement_timeout": timeout, **PLANNING},
            "command_timeout": statement_timeout_seconds + SILENCE_SECONDS,
            "timeout": CONNECT_SECONDS,
        }
        self._pool: Any = None
        self._batchers: dict[Any, MicroBatcher[Any, Any]] = {}

    async def fetch(self, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
        """Returns the rows of one statement with `$1`-style parameters; jsonb is a document."""
        if self._pool is None:
            self._pool = asyncpg.create_pool(**self._pool_options)
        await self._pool  # opens nothing yet, as the smallest size is 0
        try:
            async with self._pool.acquire() as connection:
                try:
                    return await connection.fetch(statement, *values)
                except BaseException as error:
                    if not isinstance(error, asyncpg.PostgresError) or isinstance(error, _CONNECTION_LOST):
                        connection.terminate()  # lost, silent, or cancelled in the middle: never used again
                    raise
        except _CONNECTION_LOST as error:
            raise ConnectionLost(f"the database did not answer ({type(error).__name__})") from error

    async def row(self, statement: str, *values: Any) -> asyncpg.Record | None:
        """Returns the first row, if there is one."""
        rows = await self.fetch(statement, *values)
        return rows[0] if rows else None

    async def batched(self, run: Callable[["Direct", Sequence[K]], Awaitable[Sequence[V]]], item: K) -> V:
        """Returns the value of this item from `run`, a statement that takes several items at once (micro-batching)."""
        if run not in self._batchers:
            self._batchers[run] = MicroBatcher(partial(run, self))
        return await self._batchers[run](item)

    async def close(self) -> None:
        """Closes every connection; one that is still in use after a few seconds is cut."""
        if self._pool is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


async def _keep(_connection: Any) -> None:
    """Skips the reset between two statements: none of them changes the session."""
