"""The inference processes of one worker, one per device: who is free, what they hold, and their common end."""

import asyncio
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from ai_worker.devices.run_child import LANES, InferenceChild
from ai_worker.devices.work import ChildSettings, Trial, usable_cores


class Children:
    """`async with Children(settings of each device) as children`; a batch goes to the one with the least to do."""

    def __init__(self, settings: Sequence[ChildSettings]) -> None:
        self.each = tuple(InferenceChild(one) for one in settings)
        self._given: Counter[InferenceChild] = Counter()

    @classmethod
    def on(cls, devices: Sequence[str], settings: ChildSettings, *, names: Mapping[str, str] | None = None) -> Self:
        """One process for each device; the cores that decode are shared out among them. `names` says what they are."""
        cores = settings.threads or usable_cores()
        threads = settings.threads if len(devices) == 1 else max(1, cores // len(devices))
        known = names or {}
        return cls([replace(settings, device=one, hardware=known.get(one, ""), threads=threads) for one in devices])

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Start them all, or none."""
        try:
            await asyncio.gather(*(child.__aenter__() for child in self.each))
        except BaseException:
            await self.close()
            raise

    async def try_out(self) -> tuple[Trial, ...]:
        """Every device shows that it computes; CannotRun or InferenceDied of the first one that does not."""
        return tuple(await asyncio.gather(*(child.try_out() for child in self.each)))

    @property
    def loaded(self) -> tuple[str, ...]:
        """The sha256 of the weights in memory, most recent first."""
        return tuple(dict.fromkeys(sha256 for child in self.each for sha256 in child.loaded))

    def has_lane(self) -> bool:
        """Whether one more batch may begin."""
        return any(self._given[child] < LANES for child in self.each)

    @contextmanager
    def one(self) -> Generator[InferenceChild, None, None]:
        """The process with the least to do."""
        child = min(self.each, key=lambda one: self._given[one])
        self._given[child] += 1
        try:
            yield child
        finally:
            self._given[child] -= 1

    def kill(self) -> None:
        """End all of them at once."""
        for child in self.each:
            child.kill()

    async def close(self) -> None:
        """End all of them once they have answered."""
        await asyncio.gather(*(child.close() for child in self.each))
