"""Single statements that run a thousand times a second: prepared once per connection, one round trip, no session."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import asyncpg

from ai_manager.together import Together
from trapper_kit.db import CONNECT_SECONDS, SILENCE_SECONDS

K = TypeVar("K")
V = TypeVar("V")
_GONE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)


APPLICATION_NAME = "trapper direct"
"""By which these connections are known in the database."""
PLANNING = {
    "plan_cache_mode": "force_generic_plan",  # planning takes longer than running
    "enable_seqscan": "off",  # a plan that was made while a table was small lives on when it has grown
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


class ConnectionLost(ConnectionError):  # noqa: N818 - named after what is the case
    """The database did not answer; whether the statement ran cannot be known."""


class Direct:
    """A few connections of its own. Every statement is a transaction: what `fetch` answered is committed."""

    def __init__(self, url: str, *, size: int, statement_timeout_seconds: float = 30.0) -> None:
        self._url = url.replace("+asyncpg", "")
        timeout = str(int(statement_timeout_seconds * 1000))
        self._settings = {"application_name": APPLICATION_NAME, "statement_timeout": timeout, **PLANNING}
        self._silence = statement_timeout_seconds + SILENCE_SECONDS
        self._places = asyncio.Semaphore(size)
        self._idle: list[Any] = []
        self._together: dict[Any, Together[Any, Any]] = {}

    async def fetch(self, statement: str, *values: Any) -> Sequence[asyncpg.Record]:
        """The rows of one statement with `$1` and so on in it; jsonb is a document."""
        async with self._places:
            connection: Any = None
            try:
                connection = await self._take()
                rows = await connection.fetch(statement, *values)
            except _GONE as problem:
                _drop(connection)
                raise ConnectionLost(f"the database did not answer ({type(problem).__name__})") from problem
            except asyncpg.PostgresError:
                self._idle.append(connection)  # the statement was refused, the connection is as good as before
                raise
            except BaseException:
                _drop(connection)  # cancelled in the middle: nobody waits for what it would still say
                raise
            self._idle.append(connection)
            return rows

    async def row(self, statement: str, *values: Any) -> asyncpg.Record | None:
        """The first row, if there is one."""
        rows = await self.fetch(statement, *values)
        return rows[0] if rows else None

    async def together(self, do: Callable[["Direct", Sequence[K]], Awaitable[Sequence[V]]], one: K) -> V:
        """What `do`, a statement for several at once, answers for this one and whatever else is asked meanwhile."""
        if do not in self._together:
            self._together[do] = Together(partial(do, self))
        return await self._together[do](one)

    async def close(self) -> None:
        """Give every connection back."""
        while self._idle:
            await self._idle.pop().close()

    async def _take(self) -> Any:
        while self._idle:  # the one used last: its caches are warm, and those that are too many fall asleep
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        connection = await asyncpg.connect(
            self._url, server_settings=self._settings, command_timeout=self._silence, timeout=CONNECT_SECONDS
        )
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        return connection


def _drop(connection: Any) -> None:
    if connection is not None:
        connection.terminate()
