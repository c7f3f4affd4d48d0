"""Stages, labels and pictures for tests of the Worker's inference."""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import numpy as np
from PIL import Image

from ai_worker.inference.types import OpenStage, Pixels
from ai_worker.model_store.open_onnx import open_session
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import (
    Availability,
    EmbeddingOutput,
    Label,
    ModelEntry,
    ModelKind,
    ModelRef,
    ModelSpec,
    ObjectType,
    Preprocessing,
    Thresholds,
)
from trapper_schemas.v1.resources import ResourceRef

TYPES = (ObjectType.ANIMAL, ObjectType.HUMAN, ObjectType.VEHICLE)


def labels(count: int = 3, *, kind: ModelKind = ModelKind.DETECTION) -> tuple[Label, ...]:
    """Labels by index; a detector's are animal, human, vehicle in turn."""
    return tuple(
        Label(label=f"label {index}", observation_type=TYPES[index % 3] if kind is ModelKind.DETECTION else None)
        for index in range(count)
    )


def stage_spec(
    weights: Path | None = None,
    *,
    kind: ModelKind = ModelKind.DETECTION,
    predictor: str = "yolov8",
    size: int = 128,
    classes: int = 3,
    how: dict[str, Any] | None = None,
    embedding: EmbeddingOutput | None = None,
    activation: Literal["none", "softmax", "sigmoid"] = "none",
    output: str | None = None,
    **stage: Any,
) -> StageSpec:
    """One stage of a job on a model with so many labels."""
    sha256 = hashlib.sha256(b"" if weights is None else weights.read_bytes()).hexdigest()
    spec = ModelSpec(
        predictor=predictor,
        preprocessing=Preprocessing.model_validate({"width": size, "height": size} | (how or {})),
        labels=labels(classes, kind=kind),
        thresholds=Thresholds(typical=0.5, conservative=0.1),
        embedding=embedding,
        activation=activation,
        output=output,
    )
    name = f"tiny-{kind.value}"
    entry = ModelEntry(
        name=name, version="1", kind=kind, availability=Availability.READY, sha256=sha256, spec=spec, licence="MIT"
    )
    ref = ModelRef(name=name, version="1", sha256=sha256)
    return StageSpec(stage=Stage(kind=kind, model=ref, **stage), model=entry)


def detector(weights: Path, **more: Any) -> OpenStage:
    """The colour detector, open."""
    return OpenStage(stage_spec(weights, **more), open_session(weights, providers=("CPUExecutionProvider",)))


def classifier(weights: Path, *, logits: bool = True, **more: Any) -> OpenStage:
    """The colour classifier, open."""
    spec = stage_spec(
        weights,
        kind=ModelKind.CLASSIFICATION,
        predictor="classifier",
        size=32,
        how={"resize": "squash"},
        embedding=EmbeddingOutput(output="embedding", dimension=3),
        activation="softmax",
        output="logits",
        logits=logits,
        **more,
    )
    return OpenStage(spec, open_session(weights, providers=("CPUExecutionProvider",)))


def painted(
    squares: Sequence[tuple[int, int, tuple[int, int, int]]] = (),
    *,
    width: int = 128,
    height: int = 128,
    cell: int = 32,
) -> Pixels:
    """A black picture with coloured squares at (column, row)."""
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    for column, row, colour in squares:
        pixels[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = colour
    return pixels


def encoded(pixels: Pixels, form: str = "PNG", **how: Any) -> bytes:
    """The picture as a file of this format."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format=form, **how)
    return out.getvalue()


def resource_ref() -> ResourceRef:
    """A resource that nobody fetches."""
    url = "http://expert/api/media/1/inference"
    return ResourceRef(id=uuid4(), url=url, sha256="0" * 64, media_type="image/jpeg", size_bytes=1)
