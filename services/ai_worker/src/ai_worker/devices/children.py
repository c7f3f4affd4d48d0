"""The inference processes of one worker, one per device."""

import asyncio
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from ai_worker.devices.run_child import LANES, InferenceChild
from ai_worker.devices.work import ChildSettings, DeviceTest, usable_cores


class Children:
    """`async with Children(settings of each device) as children`; a batch goes to the least busy process."""

    def __init__(self, settings: Sequence[ChildSettings]) -> None:
        self.each = tuple(InferenceChild(child) for child in settings)
        self._given: Counter[InferenceChild] = Counter()

    @classmethod
    def on(cls, devices: Sequence[str], settings: ChildSettings, *, names: Mapping[str, str] | None = None) -> Self:
        """Returns one process per device; the cores for decoding are divided among them. `names` are hardware names."""
        cores = settings.threads or usable_cores()
        threads = settings.threads if len(devices) == 1 else max(1, cores // len(devices))
        known = names or {}
        return cls(
            [replace(settings, device=device, hardware=known.get(device, ""), threads=threads) for device in devices]
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(self) -> None:
        """Starts all, or none."""
        try:
            await asyncio.gather(*(child.__aenter__() for child in self.each))
        except BaseException:
            await self.close()
            raise

    async def test_device(self) -> tuple[DeviceTest, ...]:
        """Tests every device; raises CannotRun or InferenceDied of the first that fails."""
        return tuple(await asyncio.gather(*(child.test_device() for child in self.each)))

    @property
    def loaded(self) -> tuple[str, ...]:
        """The sha256 of the weights in memory, most recent first."""
        return tuple(dict.fromkeys(sha256 for child in self.each for sha256 in child.loaded))

    def has_lane(self) -> bool:
        """Returns whether one more batch may begin."""
        return any(self._given[child] < LANES for child in self.each)

    @contextmanager
    def least_busy(self) -> Generator[InferenceChild, None, None]:
        """Yields the process with the fewest batches."""
        child = min(self.each, key=lambda child: self._given[child])
        self._given[child] += 1
        try:
            yield child
        finally:
            self._given[child] -= 1

    def kill(self) -> None:
        """Kills all at once."""
        for child in self.each:
            child.kill()

    async def close(self) -> None:
        """Ends all once they have answered."""
        await asyncio.gather(*(child.close() for child in self.each))
