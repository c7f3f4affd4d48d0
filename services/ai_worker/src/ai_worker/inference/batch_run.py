"""One batch in the pipeline: what waits before each stage, and which job comes next.

`next_job` and the ends of the jobs run under the pipeline's lock; whatever is slow runs without it.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ai_worker.inference.classify import gather
from ai_worker.inference.steps import Crop, Item, Source, Steps, Unread
from ai_worker.inference.types import Failure, PictureResult
from trapper_kit.jpeg import MAX_LOST

Job = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is done and held at once."""

    threads: int = 2
    batch_size: int = 1
    """Pictures in one forward pass."""
    in_a_row: int = 1
    """Forward passes that a thread makes before it reads their answers: what reads them fills the caches once."""
    crop_batch_size: int = 8
    forward_passes: int = 0
    """Models running at once; 0 is one per thread."""
    pixel_budget_bytes: int = 512 * 1024 * 1024
    max_pixels: int = 100_000_000
    max_lost: float = MAX_LOST
    """Share of a photo's rows that its file may lack before it counts as damaged."""


class Room(Protocol):
    """What the batches of a pipeline share."""

    limits: Limits
    changed: threading.Condition

    def has_pass(self) -> bool:
        """Returns whether one more forward pass may begin."""
        ...

    def has_room(self, count: int) -> bool:
        """Returns whether that many bytes fit into the budget."""
        ...


class BatchRun:
    """The pictures of one batch in the pipeline."""

    def __init__(
        self, sources: Sequence[Source], steps: Steps, room: Room, on_progress: Callable[[int], None] | None
    ) -> None:
        self.sources = sources
        self.steps = steps
        self.room = room
        self.limits = room.limits
        self.on_progress = on_progress
        self.outcomes: list[PictureResult | Failure | None] = [None] * len(sources)
        self.seconds = [0.0] * (1 + len(steps.later))
        self.next_source = 0
        self.opening = 0
        self.decoding = 0
        self.cropping = 0
        self.passes = 0
        self.finished = 0
        self.held = 0
        self.broken: BaseException | None = None
        self.ended = threading.Event()
        self.undecoded: deque[Unread] = deque()
        self.undetected: deque[Item] = deque()
        self.uncropped: deque[Crop] = deque()
        self.unclassified: deque[Crop] = deque()
        if not sources:
            self.end()

    def end(self, problem: BaseException | None = None) -> None:
        """Ends the batch, with or without a problem."""
        self.broken = problem
        self.ended.set()

    def next_job(self) -> Job | None:
        """Returns the most advanced job that can be done now."""
        if self.ended.is_set():
            return None
        return self._classify_job() or self._crop_job() or self._detect_job() or self._decode_job() or self._open_job()

    def _can_open(self) -> bool:
        return self.next_source < len(self.sources) and self.room.has_room(0)

    def _can_decode(self) -> bool:
        return bool(self.undecoded) and self.room.has_room(self.undecoded[0].bytes_needed)

    def _more_tensors_come(self) -> bool:
        return bool(self.opening or self.decoding) or self._can_decode() or (not self.undecoded and self._can_open())

    def _more_crops_come(self) -> bool:
        return bool(self.undetected or self.passes or self._more_tensors_come())

    def _classify_job(self) -> Job | None:
        waiting, full = len(self.unclassified), self.limits.crop_batch_size
        if not waiting or not self.room.has_pass():
            return None
        if waiting < full and (self.uncropped or self.cropping or self._more_crops_come()):
            return None
        crops = [self.unclassified.popleft() for _ in range(min(full, waiting))]
        self.passes += 1
        return lambda: self._classify(crops)

    def _crop_job(self) -> Job | None:
        if not self.uncropped or len(self.unclassified) >= 2 * self.limits.crop_batch_size:
            return None
        crops = [self.uncropped.popleft() for _ in range(min(len(self.uncropped), self.limits.crop_batch_size))]
        self.cropping += 1
        return lambda: self._crop(crops)

    def _detect_job(self) -> Job | None:
        waiting, full = len(self.undetected), self.limits.batch_size * self.limits.in_a_row
        if not waiting or not self.room.has_pass():
            return None
        if not self._more_tensors_come():  # the last ones are shared out among the threads
            full = max(self.limits.batch_size, min(full, -(-waiting // self.limits.threads)))
        elif waiting < full:
            return None
        items = [self.undetected.popleft() for _ in range(min(full, waiting))]
        self.passes += 1
        return lambda: self._detect(items)

    def _decode_job(self) -> Job | None:
        if not self._can_decode():
            return None
        unread = self.undecoded.popleft()
        self._begin_decoding(unread)
        return lambda: self._decode(unread)

    def _open_job(self) -> Job | None:
        if self.undecoded or not self._can_open():
            return None
        index = self.next_source
        self.next_source += 1
        self.opening += 1
        return lambda: self._open(index)

    def _begin_decoding(self, unread: Unread) -> None:
        self.decoding += 1
        self.held += unread.bytes_needed

    def _open(self, index: int) -> None:
        """Reads the file and its header; where there is room for the pixels, decodes at once."""
        unread = self.steps.open(index, self.sources[index])
        with self.room.changed:
            self.opening -= 1
            goes_on = False
            if isinstance(unread, Failure):
                self._finish(index, unread)
            elif self.room.has_room(unread.bytes_needed):
                self._begin_decoding(unread)
                goes_on = True
            else:
                self.undecoded.append(unread)
            if not goes_on:
                self.room.changed.notify_all()
        if goes_on and not isinstance(unread, Failure):
            self._decode(unread)

    def _decode(self, unread: Unread) -> None:
        item = self.steps.decode(unread)
        with self.room.changed:
            self.decoding -= 1
            self.held -= unread.bytes_needed
            if isinstance(item, Failure):
                self._finish(unread.index, item)
            else:
                self.held += item.bytes_held
                self.undetected.append(item)
            self.room.changed.notify_all()

    def _detect(self, items: list[Item]) -> None:
        detections, seconds = self.steps.detect(items)
        with self.room.changed:
            self.passes -= 1
            self.seconds[0] += seconds
            for item, result in zip(items, detections, strict=True):
                item.tensor = None
                if isinstance(result, Failure):
                    self._fail(item, result)
                    continue
                item.detections = result
                item.rows = self.steps.finder.animals(result) if self.steps.later else []
                item.uncropped = len(item.rows)
                if item.rows:
                    self.uncropped.extend(Crop(item, row, []) for row in item.rows)
                else:
                    self._complete(item)
            self.room.changed.notify_all()

    def _crop(self, crops: list[Crop]) -> None:
        made = [self.steps.crop(crop) for crop in crops]
        with self.room.changed:
            self.cropping -= 1
            for crop, tensors in zip(crops, made, strict=True):
                crop.item.uncropped -= 1
                if isinstance(tensors, Failure):
                    self._fail(crop.item, tensors)
                elif tensors:
                    crop.tensors = tensors
                    self.unclassified.append(crop)
                if not crop.item.uncropped:
                    self._let_go(crop.item)
            self.room.changed.notify_all()

    def _classify(self, crops: list[Crop]) -> None:
        predictions, spent = self.steps.classify(crops)
        with self.room.changed:
            self.passes -= 1
            for index, seconds in enumerate(spent, start=1):
                self.seconds[index] += seconds
            for crop, result in zip(crops, predictions, strict=True):
                crop.tensors = []
                if isinstance(result, Failure):
                    self._fail(crop.item, result)
                    continue
                if crop.item.failed:  # another of its crops failed before
                    continue
                crop.item.crops[crop.row] = result
                if len(crop.item.crops) == len(crop.item.rows):
                    self._complete(crop.item)
            self.room.changed.notify_all()

    def _complete(self, item: Item) -> None:
        assert item.detections is not None  # noqa: S101 - detected before
        rows = list(item.crops)
        classified = gather(rows, [item.crops[row] for row in rows], self.steps.later) if rows else None
        self._let_go(item)
        self._finish(
            item.index, PictureResult(item.width, item.height, item.sha256, item.detections, classified, item.damaged)
        )

    def _fail(self, item: Item, failure: Failure) -> None:
        if not item.failed:
            item.failed = True
            self._let_go(item)
            self._finish(item.index, failure)

    def _let_go(self, item: Item) -> None:
        """Releases the pixels."""
        self.held -= item.bytes_held
        item.bytes_held = 0
        item.pixels = None

    def _finish(self, index: int, outcome: PictureResult | Failure) -> None:
        self.outcomes[index] = outcome
        self.finished += 1
        if self.on_progress is not None:
            self.on_progress(self.finished)
        if self.finished == len(self.sources) and self.broken is None:
            self.end()
