"""Runs the pictures of batches through decode, detect, crop and classify; one outcome per resource.

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

from ai_worker.inference.batch_run import BatchRun, Limits
from ai_worker.inference.buffers import BufferPool
from ai_worker.inference.steps import Source, Steps
from ai_worker.inference.types import BatchOutcome, OpenStage


def look(
    sources: Sequence[Source],
    stages: Sequence[OpenStage],
    limits: Limits,
    *,
    clock: Callable[[], float],
    on_progress: Callable[[int], None] | None = None,
) -> BatchOutcome:
    """Look at every source; the outcomes are in the order of the sources, the seconds in that of the stages."""
    with Pipeline(limits, clock=clock) as pipeline:
        return pipeline.look(sources, stages, on_progress)


class Pipeline:
    """A thread pool that runs batches one after the other; a `with` block ends it."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float]) -> None:
        self.limits = limits
        self.clock = clock
        self.pool = BufferPool(limits.pixel_budget_bytes)
        self.changed = threading.Condition()
        self.batch_runs: list[BatchRun] = []
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
    ) -> BatchOutcome:
        """Look at every source, and wait for it; several threads may ask."""
        return self.end(self.begin(sources, stages, on_progress))

    def begin(
        self, sources: Sequence[Source], stages: Sequence[OpenStage], on_progress: Callable[[int], None] | None = None
    ) -> BatchRun:
        """Adds a batch to the pipeline (FIFO)."""
        limits = self.limits
        steps = Steps(
            stages,
            limits.max_pixels,
            self.clock,
            self.pool,
            batch_size=limits.batch_size,
            max_lost=limits.max_lost,
        )
        batch_run = BatchRun(sources, steps, self, on_progress)
        with self.changed:
            self.batch_runs.append(batch_run)
            self.changed.notify_all()
        return batch_run

    def end(self, batch_run: BatchRun) -> BatchOutcome:
        """Waits for a batch and removes it from the pipeline."""
        batch_run.ended.wait()
        with self.changed:
            self.batch_runs.remove(batch_run)
            self.changed.notify_all()  # what it held is free
        if batch_run.broken is not None:
            raise batch_run.broken
        return BatchOutcome([outcome for outcome in batch_run.outcomes if outcome is not None], batch_run.seconds)

    def has_pass(self) -> bool:
        """Returns whether one more forward pass may begin."""
        return sum(batch_run.passes for batch_run in self.batch_runs) < (
            self.limits.forward_passes or self.limits.threads
        )

    def has_room(self, count: int) -> bool:
        """Returns whether that many bytes fit into the budget; a single picture always fits."""
        held = sum(batch_run.held for batch_run in self.batch_runs)
        return not held or held + count <= self.limits.pixel_budget_bytes

    def _work(self) -> None:
        """Takes the most advanced job of the oldest batch, until the pipeline ends; the body of each thread."""
        while (next_job := self._next()) is not None:
            batch_run, job = next_job
            try:
                job()
            except BaseException as problem:  # noqa: BLE001 - a defect of ours ends this batch_run, and no other
                with self.changed:
                    batch_run.end(problem)

    def _next(self) -> tuple[BatchRun, Callable[[], None]] | None:
        with self.changed:
            while not self._ended:
                for batch_run in self.batch_runs:
                    job = batch_run.next_job()
                    if job is not None:
                        return batch_run, job
                self.changed.wait()
            return None
