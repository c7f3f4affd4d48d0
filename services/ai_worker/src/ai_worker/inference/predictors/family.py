"""Families of models: how their files are fed, and how their raw output becomes boxes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ai_worker.inference.types import Boxes, Floats, ModelOutputUnfit, Tensor
from trapper_schemas.v1.models import Layout, ModelKind, Thresholds

MAX_OVERSHOOT = 1.01
"""Rounding in half precision may lift a confidence a little above 1; more is no confidence."""
_MOST_FRACTION = 2.0
"""Fractions reach a little beyond the picture; the pixels of a whole table reach far beyond this."""
_SAMPLE_ROWS = 64
"""A table of so many candidates spreads over the picture, so that its largest place tells its unit."""
_LARGEST_EXPONENT = 80.0

Unit = Literal["pixels", "fractions"]


class LayoutUnclear(ModelOutputUnfit):
    """The output can be read in several ways; the message names the option that decides."""


class UnitDiffers(ModelOutputUnfit):
    """Places are fractions where pixels were expected, or the other way round."""


class NotConfidences(ModelOutputUnfit):
    """Scores are not numbers from 0 to 1."""


class ClassesDiffer(ModelOutputUnfit):
    """The file has another number of classes than there are labels."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The outputs of one picture, without the batch axis, and what the predictor must know to read them."""

    outputs: Sequence[Tensor]
    classes: int
    width: int
    height: int
    floor: float
    names: Sequence[str] = ()
    """Of the outputs, in their order; empty when nobody knows them."""
    layout: Layout | None = None
    unit: Unit | None = None
    sigmoid: bool = False
    main: str | None = None
    """The one output to read, when the file has several that could be meant."""

    def named(self) -> list[tuple[str, Tensor]]:
        """Returns the outputs that may be read, with their names."""
        names = self.names or [f"output {index}" for index in range(len(self.outputs))]
        pairs = list(zip(names, self.outputs, strict=True))
        if self.main is None:
            return pairs
        chosen = [pair for pair in pairs if pair[0] == self.main]
        if not chosen:
            raise ModelOutputUnfit(f"the model has no output {self.main!r}; it has {', '.join(names)}")
        return chosen

    def seen(self) -> str:
        """Returns the shapes as text."""
        shapes = ["x".join(map(str, output.shape)) or "one number" for output in self.outputs]
        if len(shapes) > 1 and self.names:
            return ", ".join(f"{name} {shape}" for name, shape in zip(self.names, shapes, strict=True))
        return ", ".join(shapes) or "nothing"


@dataclass(frozen=True, slots=True)
class Reader:
    """One layout of a family: whether outputs fit, what is expected, and how they are read."""

    layout: Layout
    expected: Callable[[Raw], str]
    fits: Callable[[Raw], bool]
    read: Callable[[Raw], Boxes]
    unit: Unit = "pixels"
    final: bool = False
    """Whether its scores are confidences in any case."""
    last: bool = False
    """Whether it is considered only where no other fits: its shape is also that of common tables of candidates."""
    split: Callable[[Raw], tuple[Tensor, Tensor]] | None = None
    """Places and scores of every candidate, where nothing is suppressed in the graph."""
    classes_in: Callable[[Raw], int | None] = lambda _: None
    """How many classes the file seems to have when it lies so after all."""

    @property
    def suppressed(self) -> bool:
        """Whether the boxes are suppressed by the graph already."""
        return self.split is None


@dataclass(frozen=True, slots=True)
class Family:
    """One entry of the registry; classifiers and embeddings have no readers."""

    name: str
    kind: ModelKind
    thresholds: Thresholds
    preprocessing: Mapping[str, Any] = field(default_factory=dict[str, Any])
    size: int = 640
    readers: tuple[Reader, ...] = ()
    logits_usual: bool = False
    """Whether files of this family are published with scores before the sigmoid."""
    nms_iou: float = 0.45


def tables(raw: Raw) -> list[tuple[str, Tensor]]:
    """Returns the outputs that are tables; leading axes of length one are dropped."""
    tables_seen: list[tuple[str, Tensor]] = []
    for name, output in raw.named():
        table = output
        while table.ndim > 2 and table.shape[0] == 1:  # noqa: PLR2004 - candidates and their numbers
            table = table[0]
        if table.ndim == 2:  # noqa: PLR2004 - the same
            tables_seen.append((name, table))
    return tables_seen


def the_only(fitting: Sequence[tuple[str, Tensor]]) -> Tensor:
    """Returns the only output that fits; several would be a guess."""
    if len(fitting) > 1:
        names = ", ".join(f"{name} {'x'.join(map(str, table.shape))}" for name, table in fitting)
        raise LayoutUnclear(
            f"several outputs could be the one to read ({names}); export only one, or say which: "
            f"--output {fitting[0][0]}"
        )
    return fitting[0][1]


def confidences_of(raw: Raw, values: Tensor) -> Tensor:
    """Returns scores as confidences, through the sigmoid where the export lacks it, and checks them."""
    if raw.sigmoid:
        values = sigmoid(values)
    check_confidences(values, ". If they are logits, say so: --activation sigmoid")
    return values


def sigmoid(values: Tensor) -> Floats:
    """Returns confidences of logits; NaN stays NaN."""
    return (1 / (1 + np.exp(-np.clip(values.astype(np.float32), -_LARGEST_EXPONENT, _LARGEST_EXPONENT)))).astype(
        np.float32
    )


def in_pixels(raw: Raw, places: Floats, unit: Unit) -> Floats:
    """Returns places in pixels of the input, whichever unit the file uses."""
    if (raw.unit or unit) == "pixels":
        return places
    return places * np.asarray([raw.width, raw.height] * 2, np.float32)


def check_unit(raw: Raw, places: Tensor, unit: Unit) -> None:
    """Checks that a table of places has the expected unit; a wrong one would move every box."""
    if places.size < _SAMPLE_ROWS:
        return
    largest = float(np.abs(places).max())
    expected = raw.unit or unit
    if expected == "pixels" and 0 < largest <= _MOST_FRACTION < min(raw.width, raw.height) / 4:
        raise UnitDiffers(
            f"places up to {largest:.3g} were seen; expected pixels up to {max(raw.width, raw.height)}. "
            "If they are fractions of the input, say so: --boxes fractions"
        )
    if expected == "fractions" and largest > 2 * _MOST_FRACTION:
        raise UnitDiffers(
            f"places up to {largest:.3g} were seen; expected fractions of the input. "
            "If they are pixels, say so: --boxes pixels"
        )


def check_centres(places: Tensor) -> None:
    """Checks that places are centres and sizes, not corners, which would move every box."""
    if len(places) < _SAMPLE_ROWS:
        return
    for rows in (places[:: len(places) // _SAMPLE_ROWS], places):  # most tables are told by a few
        if not ((rows[:, 2] > rows[:, 0]) & (rows[:, 3] > rows[:, 1])).all():
            return
    raise ModelOutputUnfit(
        "in every candidate the third number is larger than the first and the fourth than the second, as in corners; "
        "expected centre and size"
    )


def boxes_from_centres(centres: Floats, labels: Tensor, scores: Floats) -> Boxes:
    """Returns checked boxes from centre x, centre y, width, height."""
    half = centres[:, 2:4] / 2
    corners = np.concatenate([centres[:, :2] - half, centres[:, :2] + half], axis=1)
    return checked(corners.astype(np.float32), labels, scores)


def checked(corners: Floats, labels: Tensor, scores: Floats) -> Boxes:
    """Returns the boxes; raises when numbers are NaN or scores no confidences."""
    if not np.isfinite(corners).all():
        raise ModelOutputUnfit("the output has boxes that are infinite or not numbers")
    return Boxes(corners.astype(np.float32), labels.astype(np.int64), np.minimum(scores, 1).astype(np.float32))


def check_confidences(scores: Tensor, hint: str = "") -> None:
    """Checks that every confidence, kept or not, is a number from 0 to 1."""
    if not scores.size:
        return
    lowest, highest = float(scores.min()), float(scores.max())  # NaN passes through both
    if np.isnan(lowest) or np.isnan(highest):
        raise NotConfidences("the output has values that are not numbers")
    if lowest < 1 - MAX_OVERSHOOT or highest > MAX_OVERSHOOT:
        raise NotConfidences(f"confidences from {lowest:.3g} to {highest:.3g} were seen; expected 0 to 1{hint}")
