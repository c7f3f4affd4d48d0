"""Does in helpings what is asked for one by one: whatever gathers while one helping is done is the next."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Together(Generic[K, V]):
    """Nobody waits for company: whoever comes is served at once, unless `at_once` helpings are under way already."""

    def __init__(
        self, do: Callable[[Sequence[K]], Awaitable[Sequence[V]]], *, at_once: int = 1, at_most: int = 64
    ) -> None:
        self._do = do
        self._at_once = at_once
        self._at_most = at_most
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._servers: set[asyncio.Task[None]] = set()
        self._serving = 0
        """Counted at once, and not when the loop gets round to it: who comes meanwhile would wait for nobody."""

    async def __call__(self, one: K) -> V:
        """What `do` answers for this one."""
        future: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, future))
        if self._serving < self._at_once:
            self._serving += 1
            server = asyncio.create_task(self._serve())
            self._servers.add(server)
            server.add_done_callback(self._servers.discard)
        return await future

    async def _serve(self) -> None:
        try:
            while self._waiting:
                helping, self._waiting = self._waiting[: self._at_most], self._waiting[self._at_most :]
                await self._help([(one, future) for one, future in helping if not future.done()])
        finally:
            self._serving -= 1

    async def _help(self, helping: Sequence[tuple[K, asyncio.Future[V]]]) -> None:
        """An error belongs to the one that causes it: together they are tried once, and then each alone."""
        try:
            values = await self._do([one for one, _ in helping]) if helping else []
            told = list(zip(helping, values, strict=True))
        except asyncio.CancelledError:
            for _, future in helping:
                future.cancel()
            raise
        except Exception as problem:  # noqa: BLE001 - it is raised where it was asked for
            if len(helping) > 1:
                for one in helping:
                    await self._help([one])
                return
            _tell(helping[0][1], problem)
        else:
            for (_, future), value in told:
                if not future.done():
                    future.set_result(value)


def _tell(future: "asyncio.Future[Any]", problem: Exception) -> None:
    if not future.done():
        future.set_exception(problem)
