"""Reads the request beside a model file, and combines it with what the file and its family say."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ai_worker.inference.predictors.family import Family
from ai_worker.inference.predictors.registry import family
from ai_worker.inference.types import ModelOutputUnfit
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.inspect import MAX_INPUT_PIXELS, Facts, sides
from trapper_schemas.catalog import LabelMap, map_labels, map_species
from trapper_schemas.problem import field_message
from trapper_schemas.v1.models import Label, Layout, ModelKind, Name, ObjectType, Preprocessing

_NUMBERS = ("scale", "mean", "std")
PREPROCESS_KEYS = {
    "resize": "resize",
    "channels": "channels",
    "scale": "scale",
    "mean": "mean",
    "std": "std",
    "interpolation": "interpolation",
    "pad-value": "pad_value",
    "crop-padding": "crop_padding",
    "square-crop": "square_crop",
    "layout": "layout",
    "crop": "crop",
}
_SHORTEST = "shortest:"
_SETTLED_BEFORE = frozenset({"layout", "crop"})
_MAX_LABELS = 65_000
_SHOWN_LABELS, _SHOWN_CHARACTERS = 6, 60


class ModelRequest(BaseModel):
    """What `trapper models add` sends beside the file."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    version: str = Field(default="", max_length=40)
    predictor: str = Field(max_length=40)
    labels: list[str] = Field(default=[], max_length=_MAX_LABELS)
    labels_override: bool = False
    """Whether the labels stand although the file has their words in another order."""
    same_network: bool = False
    """Whether the labels are those of this very network, so that the file's own must be the same in the main."""
    label_map: LabelMap | None = None
    input_size: int | None = Field(default=None, ge=16, le=4000)
    preprocess: dict[str, str] = {}
    activation: Literal["auto", "none", "softmax", "sigmoid"] = "auto"
    output: str = Field(default="", max_length=200)
    layout: Layout | Literal["auto"] = "auto"
    boxes: Literal["auto", "pixels", "fractions"] = "auto"
    licence: str = Field(default="", max_length=100)


def read_request(document: dict[str, Any]) -> tuple[ModelRequest, Family]:
    """Returns the request and its family; ModelRefused names the first wrong field."""
    try:
        request = ModelRequest.model_validate(document)
        return request, family(request.predictor)
    except ValidationError as problem:
        raise ModelRefused("request", _first(problem)) from problem
    except ModelOutputUnfit as problem:
        raise ModelRefused("request", str(problem)) from problem


def decide_labels(request: ModelRequest, facts: Facts, kind: ModelKind) -> tuple[Label, ...]:
    """Returns the given labels, or the file's own; a detector needs one for animal, human or vehicle."""
    if kind in {ModelKind.EMBEDDING, ModelKind.DEPTH}:
        return ()
    names = tuple(name.strip() for name in request.labels) or facts.names
    if facts.names and len(facts.names) != len(names):
        raise ModelRefused(
            "labels", f"the file names {len(facts.names)} classes of its own, and {len(names)} labels were given"
        )
    _check_own_names(request, facts.names, names)
    if not names:
        raise ModelRefused("labels", "the file names no labels; give them, one for each class in index order")
    try:
        if kind is not ModelKind.DETECTION:
            return map_species(names, request.label_map)
        labels = map_labels(names, request.label_map)
    except ValidationError as problem:
        raise ModelRefused("labels", _first(problem)) from problem
    if all(label.observation_type is None for label in labels):
        raise ModelRefused(
            "labels",
            f"none of the {len(names)} labels ({', '.join(names[:5])}, …) is an animal, a human or a vehicle; expected "
            f"a map that says which are {', '.join(ObjectType)}: --map",
        )
    return labels


def renamed_labels(facts: Facts, labels: Sequence[Label]) -> list[dict[str, Any]]:
    """Returns the classes that the file names otherwise than the labels."""
    pairs = enumerate(zip(facts.names, (label.label for label in labels), strict=False))
    return [
        {"index": index, "file": own[:_SHOWN_CHARACTERS], "given": given}
        for index, (own, given) in pairs
        if _word(own) != _word(given)
    ]


def _check_own_names(request: ModelRequest, own: Sequence[str], given: Sequence[str]) -> None:
    """Refuses labels in another order than the file's, or of another network."""
    if not own or not request.labels or request.labels_override:
        return
    places = {_word(name): index for index, name in enumerate(own)}
    moved = [index for index, name in enumerate(given) if places.get(_word(name), index) != index]
    if moved:
        raise ModelRefused(
            "labels",
            f"the file's own order is {_order(own, moved)}; the labels' order is {_order(given, moved)}. Give them in "
            "the file's order, or say --labels-override where the file is wrong",
        )
    same = sum(_word(first) == _word(second) for first, second in zip(own, given, strict=True))
    if request.same_network and 2 * same < len(own):
        first = range(len(own))
        raise ModelRefused(
            "another-network",
            f"the file's own classes are {_order(own, first)}; the model's are {_order(given, first)}",
        )


def _word(name: str) -> str:
    """Returns a label for comparison: lower case, with spaces as separators."""
    return " ".join(re.split(r"[\s_-]+", name.casefold().strip()))


def _order(names: Sequence[str], indices: Sequence[int]) -> str:
    shown = ", ".join(f"{index} {names[index][:_SHOWN_CHARACTERS]}" for index in indices[:_SHOWN_LABELS])
    return f"{shown}, …" if len(indices) > _SHOWN_LABELS else shown


def decide_preprocessing(request: ModelRequest, facts: Facts, known: Family) -> Preprocessing:
    """Returns the family's defaults, the file's size, layout and type, and the request's values."""
    layout = _layout(request, facts)
    width, height = _size(request, facts, known, layout)
    values: dict[str, Any] = dict(known.preprocessing)
    if facts.input.dtype == "uint8":  # such a graph takes pixels as they are, and does the rest by itself
        values |= {"scale": 1.0, "mean": 0.0, "std": 1.0}
    values |= {"width": width, "height": height, "layout": layout, "dtype": facts.input.dtype}
    for key, text in request.preprocess.items():
        if key.replace("_", "-") not in PREPROCESS_KEYS:
            raise ModelRefused("request", f"preprocess {key!r} is not known; known are {', '.join(PREPROCESS_KEYS)}")
        field = PREPROCESS_KEYS[key.replace("_", "-")]
        if field in _SETTLED_BEFORE:
            continue
        if field == "resize" and text.startswith(_SHORTEST):
            values |= {"resize": "crop", "shortest_side": text.removeprefix(_SHORTEST)}
            continue
        values[field] = _numbers(key, text) if field in _NUMBERS else text
    try:
        how = Preprocessing.model_validate(values)
    except ValidationError as problem:
        raise ModelRefused("request", f"preprocess: {_first(problem)}") from problem
    if any(number == 0 for number in (how.std if isinstance(how.std, tuple) else (how.std,))):
        raise ModelRefused("request", "preprocess: std must not be 0")
    return how


def _layout(request: ModelRequest, facts: Facts) -> str:
    requested = request.preprocess.get("layout", "").strip().lower()
    if requested not in ("", "nchw", "nhwc"):
        raise ModelRefused("request", f"preprocess layout={requested!r}: expected nchw or nhwc")
    shape = "x".join("?" if side is None else str(side) for side in facts.input.shape)
    if requested:
        channels = facts.input.shape[1 if requested == "nchw" else 3]
        if channels not in (3, None):
            raise ModelRefused("request", f"preprocess layout={requested}: the input is {shape}, which lies otherwise")
        return requested
    if not facts.layout:
        raise ModelRefused(
            "ambiguous",
            f"the input is {shape}, which does not tell where the colour channels are; say it: "
            "--preprocess layout=nchw or --preprocess layout=nhwc",
        )
    return facts.layout


def _size(request: ModelRequest, facts: Facts, known: Family, layout: str) -> tuple[int, int]:
    requested = _requested_size(request)
    file_height, file_width = sides(facts.input, layout)
    for side in (file_width, file_height):
        if requested is not None and side is not None and side != requested:
            raise ModelRefused(
                "request", f"an input of {requested} was asked for; the file takes {file_width} x {file_height}"
            )
    stated_height, stated_width = facts.image_size or (None, None)
    width = file_width or requested or stated_width or known.size
    height = file_height or requested or stated_height or known.size
    if width * height > MAX_INPUT_PIXELS:
        raise ModelRefused("too-many-pixels", f"the input is {width} x {height}; at most {MAX_INPUT_PIXELS} pixels")
    if facts.stride is not None and (width % facts.stride or height % facts.stride):
        raise ModelRefused(
            "request",
            f"an input of {width} x {height} was asked for; the file's stride is {facts.stride}, of which both sides "
            "must be multiples: --input-size",
        )
    return width, height


def _requested_size(request: ModelRequest) -> int | None:
    """Returns the requested side, from the input's size or from the crop."""
    crop = request.preprocess.get("crop")
    if crop is None:
        return request.input_size
    if not re.fullmatch(r"\d{2,4}", crop.strip()) or request.input_size not in (None, int(crop)):
        raise ModelRefused("request", f"preprocess crop={crop!r}: expected the side of the input in pixels, once")
    return int(crop)


def _numbers(key: str, text: str) -> float | tuple[float, ...]:
    try:
        numbers = tuple(_number(part) for part in text.split(","))
    except ValueError as problem:
        raise ModelRefused("request", f"preprocess {key}={text!r}: expected one number or three") from problem
    if len(numbers) not in (1, 3):
        raise ModelRefused("request", f"preprocess {key}={text!r}: expected one number or three")
    return numbers[0] if len(numbers) == 1 else numbers


def _number(text: str) -> float:
    """Returns a number, also from a fraction such as 1/255."""
    above, slash, below = text.strip().partition("/")
    try:
        return float(above) / float(below) if slash else float(above)
    except ZeroDivisionError as problem:
        raise ValueError(text) from problem


def _first(problem: ValidationError) -> str:
    error = problem.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in error['loc'])}: {field_message(error)}"
