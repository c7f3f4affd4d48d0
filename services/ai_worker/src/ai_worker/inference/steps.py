"""What is done to pictures on their way: open, detect, crop, classify; each step fails for one picture alone."""

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
from trapper_schemas.v1.results import FailureCode

Source = bytes | Failure | Callable[[], bytes | Failure]
"""A picture's bytes, how to get them when their turn comes, or why there are none."""

_Thing = TypeVar("_Thing")
_Result = TypeVar("_Result")

_MOST_TOO_SLOW = 2
_ENDED = f"the model took too long for {_MOST_TOO_SLOW} pictures of this batch, and was not run on the others"
_ENLARGED = 2
"""A picture that is resized smoothly is decoded at no less than this many times the model's size."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A picture whose header was read, and what decoding it takes."""

    index: int
    opened: Opened
    sha256: str
    bytes_needed: int


@dataclass(slots=True)
class Item:
    """One picture on its way; `pixels` stay while something is still to be cut out of them."""

    index: int
    width: int
    height: int
    damaged: bool
    pixels: Pixels | None
    sha256: str
    mapping: Mapping
    tensor: Tensor | None
    bytes_held: int
    found: Detections | None = None
    rows: list[int] = field(default_factory=list[int])
    uncropped: int = 0
    crops: dict[int, CropPrediction] = field(default_factory=dict[int, CropPrediction])
    failed: bool = False


@dataclass(slots=True)
class Crop:
    """One animal of a picture on its way: its tensors are made when they are wanted."""

    item: Item
    row: int
    tensors: list[Tensor]


class Steps:
    """The stages of a job and how to take one; safe for several threads."""

    def __init__(
        self,
        stages: Sequence[OpenStage],
        max_pixels: int,
        clock: Callable[[], float],
        pool: BufferPool | None = None,
        *,
        batch_size: int = 0,
    ) -> None:
        self.detector = stages[0]
        self.later = stages[1:]
        self.max_pixels = max_pixels
        self.clock = clock
        self.pool = pool
        self.batch_size = batch_size
        self.too_slow = 0
        """Pictures for which a model took too long."""
        self.wanted = self._wanted()
        how = spec_of(self.detector.spec).preprocessing
        self.tensor_bytes = how.width * how.height * 3 * np.dtype(how.dtype).itemsize

    @cached_property
    def finder(self) -> Finder:
        """What reads the detector's answers."""
        return Finder.of(self.detector.spec, names=[axis.name for axis in self.detector.session.outputs])

    def _wanted(self) -> tuple[int, int] | None:
        """How much of a JPEG is enough, or None for all of it.

        Crops need the full picture, and letterboxing, which does not anti-alias, must see the very pixels that the
        reference code of its family sees: on real photos, scaling while decoding moved scores by up to 0.2. What
        remains is the smooth resize of a detector that works alone.
        """
        how = spec_of(self.detector.spec).preprocessing
        if self.later or how.resize != "squash":
            return None
        return how.width * _ENLARGED, how.height * _ENLARGED

    def open(self, index: int, source: Source) -> Unread | Failure:
        """Read one picture and its header."""
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
        """Decode and prepare one picture."""
        try:
            picture = decode_opened(unread.opened, wanted=self.wanted, pool=self.pool)
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
        """The objects of each picture, and the seconds it took."""
        return self._together_or_alone(items, self._detect_together)

    def crop(self, crop: Crop) -> list[Tensor] | Failure:
        """One animal as each of the later stages wants it; nothing when its picture failed meanwhile."""
        pixels, found = crop.item.pixels, crop.item.found
        if pixels is None or found is None:
            return []
        hows = [spec_of(stage.spec).preprocessing for stage in self.later]
        try:
            return [to_input(crop_box(pixels, found.boxes[crop.row], how), how)[0] for how in hows]
        except Exception as problem:  # noqa: BLE001 - one bad photo never kills the batch
            return failure_of(problem)

    def classify(self, crops: Sequence[Crop]) -> tuple[list[CropPrediction | Failure], list[float]]:
        """What the later stages say about each crop, and the seconds that each of them took."""
        spent = [0.0] * len(self.later)

        def together(part: Sequence[Crop]) -> list[CropPrediction | Failure]:
            outputs: list[list[list[Tensor]]] = []
            for index, stage in enumerate(self.later):
                start = self.clock()
                outputs.append(forward(stage.session, [crop.tensors[index] for crop in part]))
                spent[index] += self.clock() - start
            return [self._read(rows) for rows in zip(*outputs, strict=True)]

        said, _ = self._together_or_alone(crops, together)
        return said, spent

    def _detect_together(self, items: Sequence[Item]) -> list[Detections | Failure]:
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

    def _together_or_alone(
        self, things: Sequence[_Thing], together: Callable[[Sequence[_Thing]], list[_Result | Failure]]
    ) -> tuple[list[_Result | Failure], float]:
        """All in one pass; when that fails, one by one, so that only the guilty fail."""
        start = self.clock()
        results: list[_Result | Failure]
        if self.too_slow >= _MOST_TOO_SLOW:
            return [Failure(FailureCode.INFERENCE_FAILED, _ENDED)] * len(things), 0.0
        try:
            results = together(things)
        except Exception as problem:  # noqa: BLE001 - a runtime raises what it likes
            if len(things) == 1:
                results = [failure_of(problem)]
                self.too_slow += isinstance(problem, ModelTooSlow)
            else:
                results = [self._together_or_alone([thing], together)[0][0] for thing in things]
        return results, self.clock() - start


def failure_of(problem: Exception) -> Failure:
    """What went wrong with one picture, as its outcome."""
    if isinstance(problem, Undecodable):
        return Failure(problem.code, str(problem))
    if isinstance(problem, ModelOutputUnfit):
        return Failure(FailureCode.MODEL_OUTPUT, str(problem)[:500])
    if isinstance(problem, ModelTooSlow):
        return Failure(FailureCode.INFERENCE_FAILED, str(problem))
    first_line = (str(problem).splitlines() or [""])[0] or type(problem).__name__
    return Failure(FailureCode.INFERENCE_FAILED, f"the model could not be run on this picture: {first_line}"[:500])
