"""Runs one model of the catalogue on some pictures on every device, and reports results and speed.

`python -m ai_worker.devices.try_model` reads `{"weights", "entry", "files", "threads"}` as JSON and answers
`{"ok", "providers": [...], "pictures": [...]}`; a model that runs nowhere is an answer with `ok: false`, not an error.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ai_worker.devices.run_self_test import Device, detect_devices
from ai_worker.inference.classify import CropPrediction, read_crop
from ai_worker.inference.decode import Undecodable, decode
from ai_worker.inference.detect import find_objects, spec_of
from ai_worker.inference.forward import forward
from ai_worker.inference.predictors import depth
from ai_worker.inference.predictors.classifier import top
from ai_worker.inference.preprocess import to_input
from ai_worker.inference.types import ModelOutputUnfit, OpenStage, Picture
from ai_worker.model_store.errors import ModelRefused, ProviderUnavailable, RuntimeAbsent, first_line
from ai_worker.model_store.golden import run_golden
from ai_worker.model_store.open_model import PlacedSession, open_model
from ai_worker.model_store.places import Place, devices_of
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelEntry, ModelKind, ModelRef, ModelSpec

_BEST = 5
_ROUNDS = 3


class Order(BaseModel):
    """The model, the pictures and the devices to try."""

    model_config = ConfigDict(extra="forbid")

    weights: Path
    entry: ModelEntry
    files: list[Path]
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A decoded picture with its name."""

    name: str
    picture: Picture


def try_model(order: Order, *, clock: Callable[[], float] = time.perf_counter) -> dict[str, Any]:
    """Returns the report of each device, and the results of the first one that works."""
    pictures, broken = _decode(order.files)
    runtimes = set(order.entry.runtimes)
    devices = [device for device in detect_devices() if device.runtime in runtimes]
    providers: list[dict[str, Any]] = []
    seen: list[dict[str, Any]] = []
    for device in devices:
        report, saw = _on_device(device, order, pictures, clock)
        providers.append(report)
        seen = seen or saw
    return {
        "ok": any(provider["ok"] for provider in providers),
        "providers": providers,
        "runtimes": sorted(runtimes),
        "pictures": [*seen, *broken],
    }


def _decode(files: Sequence[Path]) -> tuple[list[Shown], list[dict[str, Any]]]:
    good: list[Shown] = []
    broken: list[dict[str, Any]] = []
    for file in files:
        try:
            good.append(Shown(str(file), decode(file.read_bytes())))
        except Undecodable as problem:
            broken.append({"file": str(file), "problem": str(problem)})
        except OSError as problem:
            broken.append({"file": str(file), "problem": f"it cannot be read: {problem.strerror}"})
    return good, broken


def _on_device(
    device: Device, order: Order, pictures: Sequence[Shown], clock: Callable[[], float]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    report: dict[str, Any] = {
        "runtime": device.runtime,
        "provider": device.provider,
        "device": device.name,
        "ok": False,
    }
    stage = stage_of(order.entry)
    try:
        spec = spec_of(stage)
        place = Place(device.runtime, devices_of(device.runtime, ())[0], order.threads or os.cpu_count() or 1)
        also = (spec.embedding.output,) if spec.embedding is not None else ()
        session = open_model(order.weights, place, also=also)
        report |= {"device": session.device, "precision": session.precision}
        alone = _seconds_alone(session, spec, clock)
        start = clock()
        seen = [{"file": picture.name, **_look(session, stage, picture.picture)} for picture in pictures]
        spent = clock() - start
    except (ModelRefused, ProviderUnavailable, RuntimeAbsent, ModelOutputUnfit) as problem:
        return report | {"problem": str(problem)}, []
    except Exception as problem:  # noqa: BLE001 - a runtime raises what it likes
        return report | {"problem": first_line(problem)}, []
    speed = len(seen) / spent if seen and spent > 0 else None
    return report | {"ok": True, "model_seconds": alone, "pictures_per_second": speed}, seen


def _seconds_alone(session: PlacedSession, spec: ModelSpec, clock: Callable[[], float]) -> float:
    """Returns the best time of some forward passes on prepared inputs."""
    return min(run.seconds for _ in range(_ROUNDS) for run in run_golden(session, spec.preprocessing, clock))


def stage_of(entry: ModelEntry) -> StageSpec:
    """Returns the entry as the only stage of a job."""
    ref = ModelRef(name=entry.name, version=entry.version, sha256=entry.sha256, unpinned=entry.sha256 is None)
    return StageSpec(stage=Stage(kind=entry.kind, model=ref), model=entry)


def _look(session: PlacedSession, stage: StageSpec, picture: Picture) -> dict[str, Any]:
    spec = spec_of(stage)
    tensor, mapping = to_input(picture.pixels, spec.preprocessing)
    outputs = forward(session, [tensor])[0]
    if stage.model.kind is ModelKind.DETECTION:
        detections = find_objects(outputs, stage, mapping, names=[axis.name for axis in session.outputs])
        rows = zip(detections.boxes, detections.labels, detections.scores, strict=True)
        return {
            "objects": [
                {"label": spec.labels[label].label, "score": round(float(score), 4), "box": [round(v, 4) for v in box]}
                for box, label, score in rows
                if score >= spec.thresholds.typical
            ]
        }
    if stage.model.kind is ModelKind.DEPTH:
        _, near = depth.read(outputs, [axis.name for axis in session.outputs], spec.output)
        facts = {"rows": near.shape[0], "columns": near.shape[1]}
        return {"map": facts | {"least": round(float(near.min()), 4), "most": round(float(near.max()), 4)}}
    crop = read_crop([outputs], [OpenStage(spec=stage, session=session)])
    return _crop_document(crop, spec)


def _crop_document(crop: CropPrediction, spec: ModelSpec) -> dict[str, Any]:
    """Returns the best labels of a classifier for the whole picture, and the number of features."""
    document: dict[str, Any] = {}
    if crop.classification is not None:
        labels, scores = top(crop.classification.probabilities, _BEST)
        document["labels"] = [
            {"label": spec.labels[label].label, "score": round(float(score), 4)}
            for label, score in zip(labels, scores, strict=True)
        ]
    if crop.features is not None:
        document["features"] = len(crop.features)
    return document


def main() -> None:
    """Reads one order and writes one answer."""
    order = Order.model_validate_json(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(try_model(order)) + "\n")


if __name__ == "__main__":
    main()
