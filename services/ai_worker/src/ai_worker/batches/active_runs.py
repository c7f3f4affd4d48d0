"""Tasks of this process for the runs it holds: preparation, computation, progress, and reserved media space."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from ai_worker.devices.work import ResourceWork, StageWork
from trapper_schemas.v1.batches import BatchLease

T = TypeVar("T")


class Dropped(Exception):  # noqa: N818 - named after what is the case
    """The run was stopped: its lease is lost or cancelled, or the process ends."""


@dataclass(frozen=True)
class Prepared:
    """Everything that a batch needs to be computed, on this machine."""

    stages: tuple[StageWork, ...]
    resources: tuple[ResourceWork, ...]


@dataclass
class ActiveRun:
    """One run."""

    weights: frozenset[str] = frozenset()
    """The sha256 of the weights that it needs, which eviction leaves alone."""
    media_bytes: int | None = None
    """Media on disk or on their way; None before there is room for them."""
    done: int = 0
    """Resources that are computed."""
    preparation: asyncio.Task[Prepared] | None = None
    computation: asyncio.Task[Any] | None = None


@dataclass
class ActiveRuns:
    """The runs for which a task exists, by id."""

    by_id: dict[UUID, ActiveRun] = field(default_factory=dict[UUID, ActiveRun])
    on_device: set[UUID] = field(default_factory=set[UUID])
    """Runs that a device was given."""
    media_freed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the media of a run are not needed any more."""

    def get(self, run_id: UUID) -> ActiveRun:
        """Returns the run; a new entry when it had none."""
        return self.by_id.setdefault(run_id, ActiveRun())

    @property
    def media_bytes(self) -> int:
        """Media of all runs, on disk or on their way."""
        return sum(run.media_bytes or 0 for run in self.by_id.values())

    @property
    def weights(self) -> frozenset[str]:
        """The sha256 of all weights that are needed."""
        return frozenset[str]().union(*(run.weights for run in self.by_id.values()))

    async def reserve_media(self, run_id: UUID, size: int, *, limit: int) -> None:
        """Wait until the media of the run fit into the cache; those of a single batch always do."""
        while any(run.media_bytes is not None for run in self.by_id.values()) and self.media_bytes + size > limit:
            self.media_freed.clear()
            await self.media_freed.wait()
        self.get(run_id).media_bytes = size

    def done(self, run_id: UUID) -> int:
        """How many resources of the run are computed."""
        run = self.by_id.get(run_id)
        return 0 if run is None else run.done

    def preparation(self, run_id: UUID) -> asyncio.Task[Prepared] | None:
        """The task that prepares the run, or None."""
        run = self.by_id.get(run_id)
        return None if run is None else run.preparation

    def is_prepared(self, run_id: UUID) -> bool:
        """Whether everything that the run needs is on this machine."""
        task = self.preparation(run_id)
        return task is not None and task.done() and not task.cancelled() and task.exception() is None

    async def within(self, run_id: UUID, computation: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine for a run; raises Dropped when `drop` ends it."""
        task = asyncio.ensure_future(computation)
        self.get(run_id).computation = task
        try:
            await asyncio.wait({task})
        finally:
            if not task.done():  # the caller is cancelled
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            run = self.by_id.get(run_id)
            if run is not None:
                run.computation = None
        if task.cancelled():
            raise Dropped
        return task.result()

    def drop(self, run_id: UUID) -> None:
        """Cancels every task of a run and removes it."""
        run = self.by_id.get(run_id)
        if run is None:
            return
        for task in (run.computation, run.preparation):
            if task is not None and not task.done():
                task.cancel()
        self.remove(run_id)

    def remove(self, run_id: UUID) -> None:
        """Removes a run without tasks."""
        run = self.by_id.pop(run_id, None)
        if run is None:
            return
        if run.media_bytes is not None:
            self.media_freed.set()
        task = run.preparation
        if task is not None and task.done() and not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not report it

    async def close(self) -> None:
        """Cancel the preparations and wait for their end."""
        tasks = [run.preparation for run in self.by_id.values() if run.preparation is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def weights_of(lease: BatchLease) -> frozenset[str]:
    """The sha256 of all weights of a batch."""
    return frozenset(stage.stage.model.key for stage in lease.stages)
