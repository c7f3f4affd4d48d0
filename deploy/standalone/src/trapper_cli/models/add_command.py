"""`trapper models add`: a model of one's own, usable by its name in `trapper run --detector NAME`."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from trapper_cli.models.add import check_free, inspect_file, publish, report_renamed
from trapper_cli.models.install_command import install_model
from trapper_cli.models.labels import read_labels
from trapper_cli.models.pin_command import pin
from trapper_cli.models.try_command import try_model
from trapper_cli.running import ensure_stack
from trapper_client.commands import models
from trapper_client.errors import WrongUsage
from trapper_client.output import Json, answer, say, tell
from trapper_client.stack import connect, connect_manager
from trapper_schemas.catalog import BUILT_IN_MAPS, CatalogMalformed, read_label_map
from trapper_schemas.model_names import why_reserved

_PATIENCE_SECONDS = 60.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,63}")


class Predictor(StrEnum):
    """The families of layouts that the Worker reads."""

    YOLOV5 = "yolov5"
    YOLOV8 = "yolov8"
    YOLOV10 = "yolov10"
    YOLOX = "yolox"
    RTDETR = "rtdetr"
    NANODET = "nanodet"
    CLASSIFIER = "classifier"
    EMBEDDING = "embedding"
    DEPTH = "depth"


class Activation(StrEnum):
    """What is still to be done to scores: recognised from the file, nothing, a softmax, or a sigmoid."""

    AUTO = "auto"
    NONE = "none"
    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"


class Layout(StrEnum):
    """Layout of a detector's output, where its shape is ambiguous."""

    CANDIDATES = "candidates"
    END_TO_END = "end-to-end"
    PARTS = "parts"
    QUERIES = "queries"
    RANKED = "ranked"


class Boxes(StrEnum):
    """The unit of a detector's boxes, where it is not its family's."""

    PIXELS = "pixels"
    FRACTIONS = "fractions"


def register(app: typer.Typer) -> None:
    """Adds what downloads or tries files to the group `models` of the client's own commands."""
    del app
    models.group.command("add")(add)
    models.group.command("install")(install_model)
    models.group.command("pin")(pin)
    models.group.command("test")(try_model)


def add(
    file: Annotated[Path, typer.Argument(help="The model, an ONNX file.", show_default=False)],
    *,
    name: Annotated[str, typer.Option(help="Letters, digits and hyphens.", show_default=False)],
    predictor: Annotated[
        Predictor, typer.Option(help="The model's family; it decides how the output is read.", show_default=False)
    ],
    labels: Annotated[
        Path | None,
        typer.Option(help="A file with one label per line, in class order; by default the names in the model."),
    ] = None,
    labels_override: Annotated[
        bool,
        typer.Option("--labels-override", help="Use the given labels even where the model file has another order."),
    ] = False,
    label_map: Annotated[
        str | None,
        typer.Option("--map", help="Which labels are animals, humans, vehicles: coco, megadetector, or a YAML file."),
    ] = None,
    input_size: Annotated[
        int | None, typer.Option(min=16, help="Side of the input in pixels, where the file does not fix it.")
    ] = None,
    activation: Annotated[
        Activation, typer.Option(help="The function that turns outputs into confidences, where the graph has none.")
    ] = Activation.AUTO,
    output: Annotated[str, typer.Option(help="Name of the main output, where the file has several.")] = "",
    layout: Annotated[
        Layout | None, typer.Option(help="Layout of a detector's output, where its shape is ambiguous.")
    ] = None,
    boxes: Annotated[
        Boxes | None, typer.Option(help="Unit of a detector's boxes, where it is not the usual one of its family.")
    ] = None,
    preprocess: Annotated[
        list[str] | None,
        typer.Option(
            help="key=value, repeatable: resize, crop, channels, scale, mean, std and more; docs/models.md lists them."
        ),
    ] = None,
    licence: Annotated[str, typer.Option(help="The licence of the weights, kept with the model.")] = "",
    version: Annotated[str, typer.Option(help="Default: the beginning of the weights' hash.")] = "",
    as_json: Json = False,
) -> None:
    """Registers an ONNX model: tries it, computes its hash, publishes it.

    Example: trapper models add yolox_nano.onnx --name my-yolox --predictor yolox --labels coco80.txt --map coco
    """
    request: dict[str, Any] = {
        "name": name,
        "version": version,
        "predictor": predictor.value,
        "labels": read_labels(labels) if labels is not None else [],
        "labels_override": labels_override,
        "label_map": _label_map(label_map),
        "input_size": input_size,
        "preprocess": _pairs(preprocess or []),
        "activation": activation.value,
        "licence": licence,
        **_given(output=output, layout=layout, boxes=boxes),
    }
    if not file.is_file():
        raise WrongUsage(f"There is no file {str(file)!r}.")
    if not _NAME.fullmatch(name):
        raise WrongUsage(f"--name takes up to 64 letters, digits and hyphens, not {name[:80]!r}.")
    if why := why_reserved(name):
        raise WrongUsage(f"--name: {why}.")
    inspected = inspect_file(file, request)
    if ensure_stack():
        tell("The stack was started, and is left running (trapper down stops it).")
    with connect(patience=_PATIENCE_SECONDS) as expert, connect_manager(patience=_PATIENCE_SECONDS) as manager:
        check_free(manager, inspected.entry, version_given=bool(version))
        publish(manager, expert, inspected.entry, file, inspected.golden_run)
    if as_json:
        answer({"ok": True, "model": models.summary({**inspected.entry, "held": True}), "proof": inspected.proof})
        return
    report_renamed(inspected)
    option = {"detection": "--detector", "classification": "--species"}.get(inspected.entry["kind"])
    say(f"Registered {name} ({inspected.entry['kind']}, sha256 {inspected.entry['sha256']}).")
    if option is not None:
        say(f"Use it: trapper run FOLDER {option} {name}")


def _given(**options: str | None) -> dict[str, str]:
    """Only what was said: the rest is read from the file."""
    return {name: str(value) for name, value in options.items() if value}


def _label_map(given: str | None) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        return read_label_map(given).model_dump()
    except CatalogMalformed as problem:
        raise WrongUsage(f"--map: {problem}.", hint=f"Built in: {', '.join(BUILT_IN_MAPS)}.") from problem


def _pairs(given: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise WrongUsage(f"--preprocess takes key=value, not {text!r}.")
        pairs[key.strip()] = value.strip()
    return pairs
