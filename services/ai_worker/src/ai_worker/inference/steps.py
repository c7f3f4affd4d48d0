"""Steps of the pipeline: open, detect, crop, classify; a failure concerns one picture."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np

from ai_worker.inference.buffers import BufferPool
from ai_worker.inference.classify import CropPrediction, read_crop
from ai_worker.inference.decode import Opened, Undecodable, decode_opened, open_picture
from ai_worker.inference.detect import Finder, spec_of
from ai_worker.inference.forward import forward
from ai_worker.inference.preprocess import Mapping, crop_box, to_input
from ai_worker.inference.types import Detections, Failure, ModelOutputUnfit, ModelTooSlow, OpenStage, Pixels, Tensor
from trapper_kit.jpeg import MAX_LOST
from trapper_schemas.v1.results import FailureCode

Source = bytes | Failure | Callable[[], bytes | Failure]
"""A picture's bytes, how to get them when their turn comes, or why there are none."""

_Input = TypeVar("_Input")
_Result = TypeVar("_Result")

_MOST_TOO_SLOW = 2
_TOO_SLOW = f"the model took too long for {_MOST_TOO_SLOW} pictures of this batch, and was not run on the others"
_ENLARGED = 2
"""A picture that is resized smoothly is decoded at no less than this many times the model's size."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A picture whose header was read, and the memory that decoding takes."""

    index: int
    opened: Opened
    sha256: str
    bytes_needed: int


@dataclass(slots=True)
class Item:
    """One picture in the pipeline; `pixels` stay while crops are to be made."""

    index: int
    width: int
    height: int
    damaged: bool
    pixels: Pixels | None
    sha256: str
    mapping: Mapping
    tensor: Tensor | None
    bytes_held: int
    detections: Detections | None = None
    rows: list[int] = field(default_factory=list[int])
    uncropped: int = 0
    crops: dict[int, CropPrediction] = field(default_factory=dict[int, CropPrediction])
    failed: bool = False


@dataclass(slots=True)
class Crop:
    """One animal of a picture in the pipeline; its tensors are made when needed."""

    item: Item
    row: int
    tensors: list[Tensor]


class Steps:
    """The stages of a job and their steps; thread-safe."""

    def __init__(
        self,
        stages: Sequence[OpenStage],
        max_pixels: int,
        clock: Callable[[], float],
        pool: BufferPool | None = None,
        *,
        batch_size: int = 0,
        max_lost: float = MAX_LOST,
    ) -> None:
        self.detector = stages[0]
        self.later = stages[1:]
        self.max_pixels = max_pixels
        self.max_lost = max_lost
        self.clock = clock
        self.pool = pool
        self.batch_size = batch_size
        self.too_slow = 0
        """Pictures for which a model took too long."""
        self.fit = self._fit()
        how = spec_of(self.detector.spec).preprocessing
        self.tensor_bytes = how.width * how.height * 3 * np.dtype(how.dtype).itemsize

    @cached_property
    def finder(self) -> Finder:
        """The reader of the detector's outputs."""
        return Finder.of(self.detector.spec, names=[axis.name for axis in self.detector.session.outputs])

    def _fit(self) -> tuple[int, int] | None:
        """Returns the size to which a JPEG may be reduced, or None for all of it.

        Crops need the full picture, and letterboxing, which does not anti-alias, must see the very pixels that the
        reference code of its family sees: on real photos, scaling while decoding moved scores by up to 0.2. What
        remains is the smooth resize of a detector that works alone.
        """
        how = spec_of(self.detector.spec).preprocessing
        if self.later or how.resize != "squash":
            return None
        return how.width * _ENLARGED, how.height * _ENLARGED

    def open(self, index: int, source: Source) -> Unread | Failure:
        """Reads one picture and its header."""
        try:
            data = source() if callable(source) else source
            if isinstance(data, Failure):
                return data
            opened = open_picture(data, max_pixels=self.max_pixels)
            sha256 = hashlib.sha256(data).hexdigest()  # now, while its bytes are in the caches
            return Unread(index, opened, sha256, opened.bytes_needed + self.tensor_bytes)
        except Exception as problem:  # noqa: BLE001 - one bad photo never kills the batch
            return failure_of(problem)

    def decode(self, unread: Unread) -> Item | Failure:
        """Decodes and prepares one picture."""
        try:
            picture = decode_opened(unread.opened, fit=self.fit, pool=self.pool, max_lost=self.max_lost)
            how = spec_of(self.detector.spec).preprocessing
            tensor, mapping = to_input(picture.pixels, how, pool=self.pool)
            if np.may_share_memory(tensor, picture.pixels):
                tensor = tensor.copy()  # the pixels' memory is used again
        except Exception as problem:  # noqa: BLE001 - one bad photo never kills the batch
            return failure_of(problem)
        pixels = picture.pixels if self.later else None  # nobody else looks at them again
        held = tensor.nbytes + (0 if pixels is None else pixels.nbytes)
        return Item(
            unread.index,
            picture.width,
            picture.height,
            picture.damaged,
            pixels,
            unread.sha256,
            mapping,
            tensor,
            held,
        )

    def detect(self, items: Sequence[Item]) -> tuple[list[Detections | Failure], float]:
        """Returns the objects of each picture, and the seconds spent."""
        return self._in_one_pass_or_alone(items, self._detect_part)

    def crop(self, crop: Crop) -> list[Tensor] | Failure:
        """Returns one animal as input of each later stage; nothing when its picture failed."""
        pixels, detections = crop.item.pixels, crop.item.detections
        if pixels is None or detections is None:
            return []
        hows = [spec_of(stage.spec).preprocessing for stage in self.later]
        try:
            return [to_input(crop_box(pixels, detections.boxes[crop.row], how), how)[0] for how in hows]
        except Exception as problem:  # noqa: BLE001 - one bad photo never kills the batch
            return failure_of(problem)

    def classify(self, crops: Sequence[Crop]) -> tuple[list[CropPrediction | Failure], list[float]]:
        """Returns the predictions of the later stages for each crop, and the seconds of each stage."""
        spent = [0.0] * len(self.later)

        def classify_part(part: Sequence[Crop]) -> list[CropPrediction | Failure]:
            outputs: list[list[list[Tensor]]] = []
            for index, stage in enumerate(self.later):
                start = self.clock()
                outputs.append(forward(stage.session, [crop.tensors[index] for crop in part]))
                spent[index] += self.clock() - start
            return [self._read(rows) for rows in zip(*outputs, strict=True)]

        predictions, _ = self._in_one_pass_or_alone(crops, classify_part)
        return predictions, spent

    def _detect_part(self, items: Sequence[Item]) -> list[Detections | Failure]:
        tensors = [item.tensor for item in items if item.tensor is not None]
        outputs = forward(self.detector.session, tensors, most=self.batch_size)
        results: list[Detections | Failure] = []
        for item, rows in zip(items, outputs, strict=True):
            try:
                results.append(self.finder.find(rows, item.mapping))
            except ModelOutputUnfit as problem:
                results.append(failure_of(problem))
        return results

    def _read(self, rows: Sequence[Sequence[Tensor]]) -> CropPrediction | Failure:
        try:
            return read_crop(rows, self.later)
        except ModelOutputUnfit as problem:
            return failure_of(problem)

    def _in_one_pass_or_alone(
        self, inputs: Sequence[_Input], run: Callable[[Sequence[_Input]], list[_Result | Failure]]
    ) -> tuple[list[_Result | Failure], float]:
        """Runs all in one pass; when that fails, one by one, so that only the faulty ones fail."""
        start = self.clock()
        results: list[_Result | Failure]
        if self.too_slow >= _MOST_TOO_SLOW:
            return [Failure(FailureCode.INFERENCE_FAILED, _TOO_SLOW)] * len(inputs), 0.0
        try:
            results = run(inputs)
        except Exception as problem:  # noqa: BLE001 - a runtime raises what it likes
            if len(inputs) == 1:
                results = [failure_of(problem)]
                self.too_slow += isinstance(problem, ModelTooSlow)
            else:
                results = [self._in_one_pass_or_alone([each], run)[0][0] for each in inputs]
        return results, self.clock() - start


def failure_of(problem: Exception) -> Failure:
    """Returns the outcome of a picture for this problem."""
    if isinstance(problem, Undecodable):
        return Failure(problem.code, str(problem))
    if isinstance(problem, ModelOutputUnfit):
        return Failure(FailureCode.MODEL_OUTPUT, str(problem)[:500])
    if isinstance(problem, ModelTooSlow):
        return Failure(FailureCode.INFERENCE_FAILED, str(problem))
    first_line = (str(problem).splitlines() or [""])[0] or type(problem).__name__
    return Failure(FailureCode.INFERENCE_FAILED, f"the model could not be run on this picture: {first_line}"[:500])
