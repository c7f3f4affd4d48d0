"""Looks at the pictures of batches once: decode, detect, crop, classify; one outcome per resource, always.

Every thread takes the most advanced piece of work there is, of the oldest batch that has one, so that later stages
are never starved by earlier ones, little waits in memory, and a batch's last pictures leave no core idle when
another batch is there. On a processor each thread runs the model by itself, on one core; on an accelerator few
forward passes are under way at a time while the other threads decode.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from ai_worker.inference.buffers import Shelf
from ai_worker.inference.lot import Limits, Lot
from ai_worker.inference.steps import Source, Steps
from ai_worker.inference.types import Looks, OpenStage


def look(
    sources: Sequence[Source],
    stages: Sequence[OpenStage],
    limits: Limits,
    *,
    clock: Callable[[], float],
    on_progress: Callable[[int], None] | None = None,
) -> Looks:
    """Look at every source; the outcomes are in the order of the sources, the seconds in that of the stages."""
    with Belt(limits, clock=clock) as belt:
        return belt.look(sources, stages, on_progress)


class Belt:
    """Threads that look at the pictures of one batch after the other; a `with` block ends them."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.clock = clock
        self.shelf = Shelf(limits.pixel_budget_bytes)
        self.changed = threading.Condition()
        self.lots: list[Lot] = []
        self._ended = False
        self._pool = ThreadPoolExecutor(max_workers=limits.threads, thread_name_prefix="look")

    def __enter__(self) -> Self:
        for _ in range(self.limits.threads):
            self._pool.submit(self._work)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.changed:
            self._ended = True
            self.changed.notify_all()
        self._pool.shutdown()

    def look(
        self, sources: Sequence[Source], stages: Sequence[OpenStage], on_progress: Callable[[int], None] | None = None
    ) -> Looks:
        """Look at every source, and wait for it; several threads may ask."""
        return self.end(self.begin(sources, stages, on_progress))

    def begin(
        self, sources: Sequence[Source], stages: Sequence[OpenStage], on_progress: Callable[[int], None] | None = None
    ) -> Lot:
        """Put a batch on the belt; who comes first is served first."""
        limits = self.limits
        steps = Steps(stages, limits.max_pixels, self.clock, self.shelf, batch_size=limits.batch_size)
        lot = Lot(sources, steps, self, on_progress)
        with self.changed:
            self.lots.append(lot)
            self.changed.notify_all()
        return lot

    def end(self, lot: Lot) -> Looks:
        """Wait for a batch and take it off the belt."""
        lot.ended.wait()
        with self.changed:
            self.lots.remove(lot)
            self.changed.notify_all()  # what it held is free
        if lot.broken is not None:
            raise lot.broken
        return Looks([outcome for outcome in lot.outcomes if outcome is not None], lot.seconds)

    def has_pass(self) -> bool:
        """Whether one more forward pass may begin."""
        return sum(lot.passes for lot in self.lots) < (self.limits.forward_passes or self.limits.threads)

    def has_room(self, count: int) -> bool:
        """Whether that many bytes fit into the budget; a picture that is alone always does."""
        held = sum(lot.held for lot in self.lots)
        return not held or held + count <= self.limits.pixel_budget_bytes

    def _work(self) -> None:
        """One thread's life: take the most advanced job of the oldest lot, until the belt ends."""
        while (found := self._next()) is not None:
            lot, job = found
            try:
                job()
            except BaseException as problem:  # noqa: BLE001 - a defect of ours ends this lot, and no other
                with self.changed:
                    lot.end(problem)

    def _next(self) -> tuple[Lot, Callable[[], None]] | None:
        with self.changed:
            while not self._ended:
                for lot in self.lots:
                    job = lot.next_job()
                    if job is not None:
                        return lot, job
                self.changed.wait()
            return None
