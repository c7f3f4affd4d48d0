"""Looks at the pictures of a batch once: decode, detect, crop, classify; one outcome per resource, always.

Every thread takes the most advanced piece of work there is, so that later stages are never starved by earlier ones
and little waits in memory. On a processor each thread runs the model by itself, on one core; on an accelerator one
forward pass runs at a time while the other threads decode.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ai_worker.inference.classify import gather
from ai_worker.inference.detect import animals
from ai_worker.inference.steps import Crop, Item, Source, Steps
from ai_worker.inference.types import Failure, Looked, Looks, OpenStage


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is done, and held, at once."""

    threads: int = 2
    batch_size: int = 1
    crop_batch_size: int = 8
    forward_passes: int = 0
    """Models running at once; 0 is one per thread."""
    pixel_budget_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 100_000_000


def look(
    sources: Sequence[Source],
    stages: Sequence[OpenStage],
    limits: Limits,
    *,
    clock: Callable[[], float],
    on_progress: Callable[[int], None] | None = None,
) -> Looks:
    """Look at every source; the outcomes are in the order of the sources, the seconds in that of the stages."""
    belt = _Belt(sources, stages, limits, clock, on_progress)
    with ThreadPoolExecutor(max_workers=limits.threads, thread_name_prefix="look") as pool:
        for worker in [pool.submit(belt.work) for _ in range(limits.threads)]:
            worker.result()
    return Looks([outcome for outcome in belt.outcomes if outcome is not None], belt.seconds)


class _Belt:
    """The state that the threads share; whatever is slow runs without the lock."""

    def __init__(
        self,
        sources: Sequence[Source],
        stages: Sequence[OpenStage],
        limits: Limits,
        clock: Callable[[], float],
        on_progress: Callable[[int], None] | None,
    ) -> None:
        self.sources = sources
        self.steps = Steps(stages, limits.max_pixels, clock)
        self.limits = limits
        self.on_progress = on_progress
        self.outcomes: list[Looked | Failure | None] = [None] * len(sources)
        self.seconds = [0.0] * len(stages)
        self.changed = threading.Condition()
        self.next_source = 0
        self.decoding = 0
        self.cropping = 0
        self.passes = 0
        self.finished = 0
        self.held = 0
        self.broken = False
        self.undetected: deque[Item] = deque()
        self.uncropped: deque[Crop] = deque()
        self.unclassified: deque[Crop] = deque()

    def work(self) -> None:
        """One thread's life: take the most advanced job until every source has its outcome."""
        try:
            while (job := self._next_job()) is not None:
                job()
        except BaseException:
            with self.changed:
                self.broken = True  # a defect of ours: the others must not wait for this thread for ever
                self.changed.notify_all()
            raise

    def _next_job(self) -> Callable[[], None] | None:
        with self.changed:
            while self.finished < len(self.sources) and not self.broken:
                job = self._classify_job() or self._crop_job() or self._detect_job() or self._decode_job()
                if job is not None:
                    return job
                self.changed.wait()
            return None

    def _can_run_model(self) -> bool:
        return self.passes < (self.limits.forward_passes or self.limits.threads)

    def _can_decode(self) -> bool:
        return self.next_source < len(self.sources) and (self.held < self.limits.pixel_budget_bytes or not self.held)

    def _more_tensors_come(self) -> bool:
        return self.decoding > 0 or self._can_decode()

    def _more_crops_come(self) -> bool:
        return bool(self.undetected or self.passes or self._more_tensors_come())

    def _classify_job(self) -> Callable[[], None] | None:
        waiting, full = len(self.unclassified), self.limits.crop_batch_size
        if not waiting or not self._can_run_model():
            return None
        if waiting < full and (self.uncropped or self.cropping or self._more_crops_come()):
            return None
        crops = [self.unclassified.popleft() for _ in range(min(full, waiting))]
        self.passes += 1
        return lambda: self._classify(crops)

    def _crop_job(self) -> Callable[[], None] | None:
        if not self.uncropped or len(self.unclassified) >= 2 * self.limits.crop_batch_size:
            return None
        crops = [self.uncropped.popleft() for _ in range(min(len(self.uncropped), self.limits.crop_batch_size))]
        self.cropping += 1
        return lambda: self._crop(crops)

    def _detect_job(self) -> Callable[[], None] | None:
        waiting, full = len(self.undetected), self.limits.batch_size
        if not waiting or not self._can_run_model() or (waiting < full and self._more_tensors_come()):
            return None
        items = [self.undetected.popleft() for _ in range(min(full, waiting))]
        self.passes += 1
        return lambda: self._detect(items)

    def _decode_job(self) -> Callable[[], None] | None:
        if not self._can_decode():
            return None
        index = self.next_source
        self.next_source += 1
        self.decoding += 1
        return lambda: self._decode(index)

    def _decode(self, index: int) -> None:
        item = self.steps.open(index, self.sources[index])
        with self.changed:
            self.decoding -= 1
            if isinstance(item, Failure):
                self._finish(index, item)
            else:
                self.held += item.bytes_held
                self.undetected.append(item)
            self.changed.notify_all()

    def _detect(self, items: list[Item]) -> None:
        found, seconds = self.steps.detect(items)
        with self.changed:
            self.passes -= 1
            self.seconds[0] += seconds
            for item, result in zip(items, found, strict=True):
                item.tensor = None
                if isinstance(result, Failure):
                    self._fail(item, result)
                    continue
                item.found = result
                item.rows = animals(result, self.steps.detector.spec) if self.steps.later else []
                if item.rows:
                    self.uncropped.extend(Crop(item, row, []) for row in item.rows)
                else:
                    self._complete(item)
            self.changed.notify_all()

    def _crop(self, crops: list[Crop]) -> None:
        made = [self.steps.crop(crop) for crop in crops]
        with self.changed:
            self.cropping -= 1
            for crop, tensors in zip(crops, made, strict=True):
                if isinstance(tensors, Failure):
                    self._fail(crop.item, tensors)
                elif tensors:
                    crop.tensors = tensors
                    self.unclassified.append(crop)
            self.changed.notify_all()

    def _classify(self, crops: list[Crop]) -> None:
        said, spent = self.steps.classify(crops)
        with self.changed:
            self.passes -= 1
            for index, seconds in enumerate(spent, start=1):
                self.seconds[index] += seconds
            for crop, result in zip(crops, said, strict=True):
                crop.tensors = []
                if isinstance(result, Failure):
                    self._fail(crop.item, result)
                    continue
                if crop.item.failed:  # another of its crops failed before
                    continue
                crop.item.crops[crop.row] = result
                if len(crop.item.crops) == len(crop.item.rows):
                    self._complete(crop.item)
            self.changed.notify_all()

    def _complete(self, item: Item) -> None:
        assert item.picture is not None  # noqa: S101 - kept until here
        assert item.found is not None  # noqa: S101 - detected before
        rows = list(item.crops)
        classified = gather(rows, [item.crops[row] for row in rows], self.steps.later) if rows else None
        looked = Looked(
            item.picture.width, item.picture.height, item.sha256, item.found, classified, item.picture.damaged
        )
        self._let_go(item)
        self._finish(item.index, looked)

    def _fail(self, item: Item, failure: Failure) -> None:
        if not item.failed:
            item.failed = True
            self._let_go(item)
            self._finish(item.index, failure)

    def _let_go(self, item: Item) -> None:
        self.held -= item.bytes_held
        item.picture = None

    def _finish(self, index: int, outcome: Looked | Failure) -> None:
        self.outcomes[index] = outcome
        self.finished += 1
        if self.on_progress is not None:
            self.on_progress(self.finished)
