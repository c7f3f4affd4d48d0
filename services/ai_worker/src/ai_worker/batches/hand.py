"""What the process holds in memory while batches are in hand: the child, the countdowns, the tasks under way."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from ai_worker.deps import WorkerWork
from ai_worker.devices.children import Children
from ai_worker.devices.start_devices import Chosen
from ai_worker.devices.work import Proof, ResourceWork, StageWork, Trial
from ai_worker.model_store.weights_store import WeightsStore
from trapper_kit.http_client import HttpClient
from trapper_schemas.v1.batches import BatchLease
from trapper_schemas.v1.models import GoldenRun

T = TypeVar("T")


class Dropped(Exception):  # noqa: N818 - named after what is the case
    """The batch is no longer ours: lost, cancelled, or given back at the end of the process."""


@dataclass(frozen=True)
class Prepared:
    """Everything a batch needs to be computed, on this machine."""

    stages: tuple[StageWork, ...]
    resources: tuple[ResourceWork, ...]


@dataclass
class Journey:
    """Batches that are to be taken along, and how long their leases shall last without a link."""

    seconds: float
    left: int
    taken: int = 0
    over: str = ""
    """Why no more are taken."""


@dataclass(kw_only=True)
class Hand(WorkerWork):
    """The worker's world with what it computes on and what it holds."""

    chosen: Chosen
    """What is computed on: as it was asked for, or the processor in its place."""
    devices: Children
    enrolled_for: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    """What each device has shown at the start."""
    media: HttpClient
    store: WeightsStore
    child_ready: bool = False
    """Whether the inference process has started at least once; it is replaced from time to time."""
    deadlines: dict[UUID, float] = field(default_factory=dict[UUID, float])
    """By run: when its lease ends, on the monotonic clock; a run that is not in here was not confirmed yet."""
    progress: dict[UUID, int] = field(default_factory=dict[UUID, int])
    speeds: dict[str, float] = field(default_factory=dict[str, float])
    """Pictures per second of whole batches, by sha256 of the first model."""
    model_speeds: dict[str, float] = field(default_factory=dict[str, float])
    proofs: dict[tuple[str, str], Proof] = field(default_factory=dict[tuple[str, str], Proof])
    """By sha256 of the weights and device: what ran its golden inputs in this process."""
    proved_on_disk: bool = False
    """Whether what lay on the disk at the start has run its golden inputs."""
    unfit: dict[str, str] = field(default_factory=dict[str, str])
    """By sha256: why weights that lie here do not run."""
    computing: set[UUID] = field(default_factory=set[UUID])
    """The runs that a device was given."""
    published: dict[tuple[str, str, str], GoldenRun | None] = field(
        default_factory=dict[tuple[str, str, str], GoldenRun | None]
    )
    """By sha256, name and version: the golden run that the Manager has, or that it has none."""
    refusals: int = 0
    """Batches in a row that could not be computed here."""
    preparing: dict[UUID, asyncio.Task[Prepared]] = field(default_factory=dict[UUID, asyncio.Task[Prepared]])
    in_use: dict[UUID, frozenset[str]] = field(default_factory=dict[UUID, frozenset[str]])
    """By run: the weights it needs, which eviction leaves alone."""
    booked: dict[UUID, int] = field(default_factory=dict[UUID, int])
    """By run: the bytes of its media, on disk or on their way."""
    unbooked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the media of a run are not needed any more."""
    looked_at: float = 0.0
    """When the devices were measured last, on the monotonic clock."""
    busy_then: dict[str, float] = field(default_factory=dict[str, float])
    """By device: for how long it had been busy at that moment."""
    journey: Journey | None = None
    """What somebody wants to take along to where there is no link, until it is taken."""
    claiming: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a claim is under way, and by a heartbeat that names all leases, so that none is taken meanwhile."""
    claims_unsure: bool = True
    """Whether the Manager may have leased something to us that we do not know of: a reply of a claim did not come,
    or a process before us ended in the middle of one. A complete heartbeat settles it, before the next claim."""
    unnamed: bool = False
    """Whether the last heartbeat fell into a claim and could not name all leases. Claims that follow one another would
    keep it so, and what a claim that was delivered twice leased to us would wait out its lease."""
    undrained: bool = False
    """Whether the Manager has answered this process, the last time, with no order to leave."""
    leaving: bool = False
    """Whether it has ordered so since: what is in hand is finished and delivered, then the process ends."""
    _doing: dict[UUID, asyncio.Task[Any]] = field(default_factory=dict[UUID, asyncio.Task[Any]])

    @property
    def runtime(self) -> str:
        """What batches are claimed for."""
        return self.chosen.runtime

    def folder(self, run_id: UUID) -> Path:
        """Where the media of a run lie."""
        return self.settings.cache_dir / str(run_id)

    def count_down(self, run_id: UUID, seconds: float, *, sent: float) -> None:
        """A lease lasts from the moment its request was sent."""
        self.deadlines[run_id] = sent + seconds

    def holds(self, run_id: UUID) -> bool:
        """Whether the lease still lasts, as far as we can know."""
        return time.monotonic() < self.deadlines.get(run_id, 0.0)

    def has_here(self, run_id: UUID) -> bool:
        """Whether all that the run needs is on this machine."""
        task = self.preparing.get(run_id)
        return task is not None and task.done() and not task.cancelled() and task.exception() is None

    async def within(self, run_id: UUID, doing: Coroutine[Any, Any, T]) -> T:
        """Do something for a run that `drop` can end; then it raises Dropped."""
        task = asyncio.ensure_future(doing)
        self._doing[run_id] = task
        try:
            await asyncio.wait({task})
        finally:
            if not task.done():  # we ourselves are cancelled
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            self._doing.pop(run_id, None)
        if task.cancelled():
            raise Dropped
        return task.result()

    def drop(self, run_id: UUID) -> None:
        """End whatever is done for a run, and forget it."""
        for task in (self._doing.get(run_id), self.preparing.get(run_id)):
            if task is not None and not task.done():
                task.cancel()
        self.forget(run_id)

    def forget(self, run_id: UUID) -> None:
        """Nothing is done for this run any more."""
        self.deadlines.pop(run_id, None)
        self.progress.pop(run_id, None)
        self.in_use.pop(run_id, None)
        if self.booked.pop(run_id, None) is not None:
            self.unbooked.set()
        task = self.preparing.pop(run_id, None)
        if task is not None and task.done() and not task.cancelled():
            task.exception()  # seen: what went wrong in vain needs no report

    async def close(self) -> None:
        """End the preparations and the child, then let go of the rest."""
        tasks = list(self.preparing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.devices.close()
        await self.media.close()
        self.store.close()
        await super().close()


def needed(lease: BatchLease) -> frozenset[str]:
    """The sha256 of all weights of a batch."""
    return frozenset(stage.stage.model.key for stage in lease.stages)
