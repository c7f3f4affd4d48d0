"""Micro-batching: groups concurrent calls into one, so that a thousand calls a second become a few statements."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class MicroBatcher(Generic[K, V]):
    """Calls `run` with up to `batch_size` items, and gives each caller the value of its own item.

    A call never waits for others to join it: it starts at once, unless `concurrency` batches are running already;
    what comes meanwhile is the next batch. With `delay_seconds` every batch waits so long for more.
    """

    def __init__(
        self,
        run: Callable[[Sequence[K]], Awaitable[Sequence[V]]],
        *,
        concurrency: int = 1,
        batch_size: int = 64,
        delay_seconds: float = 0.0,
    ) -> None:
        self._run = run
        self._concurrency = concurrency
        self._batch_size = batch_size
        self._delay = delay_seconds
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._runners: set[asyncio.Task[None]] = set()
        self._running = 0
        """Counted at once, before the task runs: an item that comes in between must not start another batch."""

    def __len__(self) -> int:
        """Returns how many items wait for their batch."""
        return len(self._waiting)

    async def __call__(self, item: K) -> V:
        """Returns the value of `run` for this item; raises its error when it fails also alone."""
        return await self.submit(item)

    def submit(self, item: K) -> "asyncio.Future[V]":
        """Adds an item to the next batch, without waiting."""
        future: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running < self._concurrency:
            self._running += 1
            runner = asyncio.create_task(self._run_batches())
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)
        return future

    async def close(self) -> None:
        """Waits until every item has its value."""
        while self._runners:
            await asyncio.wait(set(self._runners))

    async def _run_batches(self) -> None:
        try:
            while self._waiting:
                if self._delay:
                    await asyncio.sleep(self._delay)
                batch, self._waiting = self._waiting[: self._batch_size], self._waiting[self._batch_size :]
                await self._run_batch([(item, future) for item, future in batch if not future.done()])
        finally:
            self._running -= 1

    async def _run_batch(self, batch: Sequence[tuple[K, "asyncio.Future[V]"]]) -> None:
        """Runs a batch; a failed one runs again item by item, so that each error belongs to its item."""
        try:
            values = await self._run([item for item, _ in batch]) if batch else []
            pairs = list(zip(batch, values, strict=True))
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it is raised where the item was submitted
            if len(batch) > 1:
                for item in batch:
                    await self._run_batch([item])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
        else:
            for (_, future), value in pairs:
                if not future.done():
                    future.set_result(value)
