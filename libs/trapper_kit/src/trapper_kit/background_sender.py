"""Sends messages that may be lost, such as notifications, without costing the caller any time."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Generic, TypeVar

from trapper_kit.logs import log
from trapper_kit.metrics import MESSAGES
from trapper_kit.micro_batcher import MicroBatcher

K = TypeVar("K")
DELAY_SECONDS = 0.02
"""Unnoticed by anybody; a thousand messages a second become fifty batches."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
MOST_WAITING = 10_000
CLOSE_SECONDS = 3.0


class BackgroundSender(Generic[K]):
    """Micro-batches messages on one thread of its own, behind a circuit breaker.

    A call puts its messages into memory and returns. A batch that cannot be sent opens the circuit: for a second,
    then twice as long after each further failure, up to 30 s, messages are dropped; whoever needed one finds its row
    with a sweep. The same message twice in one batch is sent once. A process that dies loses what was waiting.
    """

    def __init__(self, name: str, send: Callable[[Sequence[K]], None], *, errors: tuple[type[Exception], ...]) -> None:
        self._name, self._send, self._errors = name, send, errors
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"send {name}")
        self._batcher: MicroBatcher[K, None] = MicroBatcher(self._send_batch, delay_seconds=DELAY_SECONDS)
        self._open_until = 0.0
        self._pause = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the circuit is open: nothing is sent at the moment."""
        return time.monotonic() < self._open_until

    def __call__(self, *messages: K) -> None:
        """Send these soon; never waits, never raises."""
        if self.is_open or len(self._batcher) > MOST_WAITING:
            self._count("dropped", len(messages))
            return
        for message in messages:
            self._batcher.submit(message)

    async def close(self) -> None:
        """Send what waits, for a few seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._batcher.close()
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _send_batch(self, batch: Sequence[K]) -> Sequence[None]:
        different = [message for number, message in enumerate(batch) if message not in batch[:number]]
        if self.is_open:
            self._count("dropped", len(different))
            return [None] * len(batch)
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._send, different)
        except self._errors as error:
            self._failed(str(error), None)
            self._count("failed", len(different))
        except Exception as error:  # noqa: BLE001 - nobody waits for the result
            self._failed(str(error), error)
            self._count("failed", len(different))
        else:
            self._count("sent", len(different))
            if self._pause:
                log(f"{self._name}.reached")
            self._pause = 0.0
        return [None] * len(batch)

    def _failed(self, problem: str, error: Exception | None) -> None:
        if not self._pause:
            log(f"{self._name}.unreachable", problem=problem, error=error)
        self._pause = min(LONGEST_PAUSE_SECONDS, 2 * self._pause or FIRST_PAUSE_SECONDS)
        self._open_until = time.monotonic() + self._pause

    def _count(self, outcome: str, number: int) -> None:
        MESSAGES.labels(self._name, outcome).inc(number)
