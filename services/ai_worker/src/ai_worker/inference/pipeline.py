"""Looks at the pictures of a batch once: decode, detect, crop, classify; one outcome per resource, always.

Every thread takes the most advanced piece of work there is, so that later stages are never starved by earlier ones
and little waits in memory. On a processor each thread runs the model by itself, on one core; on an accelerator one
forward pass runs at a time while the other threads decode.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from ai_worker.inference.classify import CropSaid, gather, read_crop
from ai_worker.inference.decode import Undecodable, decode
from ai_worker.inference.detect import animals, find_objects, spec_of
from ai_worker.inference.forward import forward
from ai_worker.inference.preprocess import Mapping, crop_box, to_input
from ai_worker.inference.types import (
    Detections,
    Failure,
    Looked,
    Looks,
    ModelOutputUnfit,
    OpenStage,
    Picture,
    Tensor,
)
from trapper_schemas.v1.results import FailureCode

Source = bytes | Failure | Callable[[], bytes | Failure]
"""A picture's bytes, how to get them when their turn comes, or why there are none."""

_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")

_ENLARGED = 2
"""A picture that is resized smoothly is decoded at no less than this many times the model's size."""


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


@dataclass(slots=True)
class _Item:
    """One picture on its way."""

    index: int
    picture: Picture | None
    sha256: str
    mapping: Mapping
    tensor: Tensor | None
    bytes_held: int
    found: Detections | None = None
    rows: list[int] = field(default_factory=list[int])
    crops: dict[int, CropSaid] = field(default_factory=dict[int, CropSaid])
    failed: bool = False


@dataclass(slots=True)
class _Crop:
    """One animal of a picture on its way: its tensors are made when they are wanted."""

    item: _Item
    row: int
    tensors: list[Tensor]


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
        self.detector = stages[0]
        self.later = stages[1:]
        self.limits = limits
        self.clock = clock
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
        self.undetected: deque[_Item] = deque()
        self.uncropped: deque[_Crop] = deque()
        self.unclassified: deque[_Crop] = deque()
        self.wanted = self._wanted()

    def _wanted(self) -> tuple[int, int] | None:
        """How much of a JPEG is enough, or None for all of it.

        Crops need the full picture, and letterboxing, which does not anti-alias, must see the very pixels that the
        reference code of its family sees. What remains is the smooth resize of a detector that works alone.
        """
        how = spec_of(self.detector.spec).preprocessing
        if self.later or how.resize != "squash":
            return None
        return how.width * _ENLARGED, how.height * _ENLARGED

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
        item = self._open(index)
        with self.changed:
            self.decoding -= 1
            if isinstance(item, Failure):
                self._finish(index, item)
            else:
                self.held += item.bytes_held
                self.undetected.append(item)
            self.changed.notify_all()

    def _open(self, index: int) -> _Item | Failure:
        try:
            source = self.sources[index]
            data = source() if callable(source) else source
            if isinstance(data, Failure):
                return data
            picture = decode(data, max_pixels=self.limits.max_pixels, wanted=self.wanted)
            tensor, mapping = to_input(picture.pixels, spec_of(self.detector.spec).preprocessing)
            held = picture.pixels.nbytes if self.later else 0
            sha256 = hashlib.sha256(data).hexdigest()
        except Undecodable as problem:
            return Failure(problem.code, str(problem))
        except Exception as problem:  # noqa: BLE001 - one bad photo never kills the batch
            return _failure(problem)
        return _Item(index, picture, sha256, mapping, tensor, held + tensor.nbytes)

    def _detect(self, items: list[_Item]) -> None:
        found, seconds = self._try_together(items, self._detect_together)
        with self.changed:
            self.passes -= 1
            self.seconds[0] += seconds
            for item, result in zip(items, found, strict=True):
                item.tensor = None
                if isinstance(result, Failure):
                    self._fail(item, result)
                    continue
                item.found = result
                item.rows = animals(result, self.detector.spec) if self.later else []
                if item.rows:
                    self.uncropped.extend(_Crop(item, row, []) for row in item.rows)
                else:
                    self._complete(item)
            self.changed.notify_all()

    def _detect_together(self, items: Sequence[_Item]) -> list[Detections | Failure]:
        outputs = forward(self.detector.session, [item.tensor for item in items if item.tensor is not None])
        results: list[Detections | Failure] = []
        for item, rows in zip(items, outputs, strict=True):
            try:
                results.append(find_objects(rows, self.detector.spec, item.mapping))
            except ModelOutputUnfit as problem:
                results.append(_failure(problem))
        return results

    def _crop(self, crops: list[_Crop]) -> None:
        failures: list[tuple[_Item, Failure]] = []
        for crop in crops:
            try:
                crop.tensors = self._tensors(crop)
            except Exception as problem:  # noqa: BLE001 - one bad photo never kills the batch
                failures.append((crop.item, _failure(problem)))
        with self.changed:
            self.cropping -= 1
            self.unclassified.extend(crop for crop in crops if crop.tensors)
            for item, failure in failures:
                self._fail(item, failure)
            self.changed.notify_all()

    def _tensors(self, crop: _Crop) -> list[Tensor]:
        picture, found = crop.item.picture, crop.item.found
        if picture is None or found is None:  # its picture failed meanwhile
            return []
        hows = [spec_of(stage.spec).preprocessing for stage in self.later]
        return [to_input(crop_box(picture.pixels, found.boxes[crop.row], how), how)[0] for how in hows]

    def _classify(self, crops: list[_Crop]) -> None:
        spent = [0.0] * len(self.later)

        def together(part: Sequence[_Crop]) -> list[CropSaid | Failure]:
            outputs: list[list[list[Tensor]]] = []
            for index, stage in enumerate(self.later):
                start = self.clock()
                outputs.append(forward(stage.session, [crop.tensors[index] for crop in part]))
                spent[index] += self.clock() - start
            return [self._read(rows) for rows in zip(*outputs, strict=True)]

        said, _ = self._try_together(crops, together)
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

    def _read(self, rows: Sequence[Sequence[Tensor]]) -> CropSaid | Failure:
        try:
            return read_crop(rows, self.later)
        except ModelOutputUnfit as problem:
            return _failure(problem)

    def _try_together(
        self, things: Sequence[_Thing], together: Callable[[Sequence[_Thing]], list[_Result | Failure]]
    ) -> tuple[list[_Result | Failure], float]:
        """All in one pass; when that fails, one by one, so that only the guilty fail."""
        start = self.clock()
        results: list[_Result | Failure]
        try:
            results = together(things)
        except Exception as problem:  # noqa: BLE001 - a runtime raises what it likes
            if len(things) == 1:
                results = [_failure(problem)]
            else:
                results = [self._try_together([thing], together)[0][0] for thing in things]
        return results, self.clock() - start

    def _complete(self, item: _Item) -> None:
        assert item.picture is not None  # noqa: S101 - kept until here
        assert item.found is not None  # noqa: S101 - detected before
        rows = list(item.crops)
        classified = gather(rows, [item.crops[row] for row in rows], self.later) if rows else None
        looked = Looked(
            item.picture.width, item.picture.height, item.sha256, item.found, classified, item.picture.damaged
        )
        self._let_go(item)
        self._finish(item.index, looked)

    def _fail(self, item: _Item, failure: Failure) -> None:
        if not item.failed:
            item.failed = True
            self._let_go(item)
            self._finish(item.index, failure)

    def _let_go(self, item: _Item) -> None:
        self.held -= item.bytes_held
        item.picture = None

    def _finish(self, index: int, outcome: Looked | Failure) -> None:
        self.outcomes[index] = outcome
        self.finished += 1
        if self.on_progress is not None:
            self.on_progress(self.finished)


def _failure(problem: Exception) -> Failure:
    if isinstance(problem, ModelOutputUnfit):
        return Failure(FailureCode.MODEL_OUTPUT, str(problem)[:500])
    first_line = (str(problem).splitlines() or [""])[0] or type(problem).__name__
    return Failure(FailureCode.INFERENCE_FAILED, f"the model could not be run on this picture: {first_line}"[:500])
