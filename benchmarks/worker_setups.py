"""What the Worker's benchmark is run on: pairs of a detector and a classifier, and photos that are JPEG files."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ai_worker.inference.detect import Finder
from ai_worker.inference.types import OpenStage
from ai_worker.model_intake.register import register_model
from ai_worker.model_store.open_onnx import PROVIDERS, open_session
from benchmarks.networks import CLASSES, build_detector
from benchmarks.report import ROOT, Size
from trapper_schemas.catalog import read_label_map
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelRef

SHARED = Path(os.environ.get("TRAPPER_SHARED_DATA") or ROOT / ".." / "shared" / "data")
SIZES = {"3 MP": (2048, 1536), "12 MP": (4000, 3000)}
DISTINCT = 6
BATCHES = {"3 MP": 192, "12 MP": 96}


@dataclass
class Setup:
    """A detector and a classifier, where their files are, and how many photos make one batch."""

    name: str
    stages: list[OpenStage]
    weights: list[Path]
    photos: dict[str, int] = field(default_factory=lambda: dict(BATCHES))

    @cached_property
    def finder(self) -> Finder:
        """What reads the detector's answers."""
        return Finder.of(self.stages[0].spec, names=[axis.name for axis in self.stages[0].session.outputs])


def setups(folder: Path, size: Size) -> list[Setup]:
    """A detector at 640 px, the demo models, a heavy detector and, where the real data are, two real networks."""
    weights, names = ROOT / "models" / "weights", ROOT / "models" / "labels"
    species, demo = weights / "demo-species.onnx", weights / "demo-detector.onnx"
    labels = lines(names / "demo-species.txt")
    later = opened(species, name="demo-species", predictor="classifier", labels=labels)
    setups_made: list[Setup] = []
    for name, (width, depth), photos in (
        ("detector at 640 px and classifier", (16, 2), BATCHES),
        ("heavy detector at 640 px and classifier", (64, 5), {"3 MP": 24}),
    ):
        path = build_detector(folder / f"detector-{width}-{depth}.onnx", size=640, width=width, depth=depth)
        first = opened(path, name="built", predictor="yolov8", labels=list(CLASSES))
        setups_made.append(Setup(name, [first, later], [path, species], photos))
    if size is Size.TINY:
        return [replace(setups_made[0], photos={"3 MP": 6})]
    demo_labels = lines(names / "demo-detector.txt")
    first = opened(demo, name="demo-detector", predictor="yolov8", labels=demo_labels)
    setups_made.append(Setup("demo models", [first, later], [demo, species]))
    return setups_made + real_networks(SHARED / "models")


def real_networks(folder: Path) -> list[Setup]:
    """YOLOX-nano and MobileNetV2, where they are."""
    if not folder.exists():
        return []
    yolox, mobilenet = folder / "yolox_nano.onnx", folder / "mobilenetv2_12_qdq.onnx"
    coco = read_label_map("coco").model_dump()
    labels, synset = lines(folder / "labels" / "coco80.txt")[:80], lines(folder / "labels" / "imagenet_synset.txt")
    first = opened(yolox, name="yolox-nano", predictor="yolox", labels=labels, label_map=coco)
    second = opened(mobilenet, name="mobilenet", predictor="classifier", labels=synset)
    return [Setup("YOLOX-nano and MobileNetV2", [first, second], [yolox, mobilenet])]


def opened(weights: Path, **request: Any) -> OpenStage:
    """A model registered as `trapper models add` does, open on one thread."""
    entry = register_model(weights, request, clock=time.perf_counter)[0]
    assert entry.sha256 is not None
    assert entry.spec is not None
    stage = Stage(kind=entry.kind, model=ModelRef(name=entry.name, version=entry.version, sha256=entry.sha256))
    also = (entry.spec.embedding.output,) if entry.spec.embedding else ()
    session = open_session(weights, providers=PROVIDERS["onnx-cpu"], also=also)
    return OpenStage(StageSpec(stage=stage, model=entry), session)


def lines(path: Path) -> list[str]:
    """A label file."""
    return path.read_text("utf-8").rstrip("\n").split("\n")


def render(folder: Path, width: int, height: int) -> Sequence[Path]:
    """Rendered scenes, enlarged, under a gradient and sensor noise, as JPEG files."""
    rng = np.random.default_rng(width)
    scenes = sorted((ROOT / "models" / "sample").rglob("*.[jJ][pP][gG]"))
    paths: list[Path] = []
    for index in range(DISTINCT):
        scene = Image.open(scenes[index * len(scenes) // DISTINCT]).convert("RGB").resize((width, height))
        gradient = np.linspace(-20, 20, width)[None, :, None] + np.linspace(-10, 10, height)[:, None, None]
        noise = rng.normal(0, 6, (height, width, 1))
        pixels = np.clip(np.asarray(scene, np.float32) + gradient + noise, 0, 255).astype(np.uint8)
        paths.append(folder / f"{width}-{index}.jpg")
        Image.fromarray(pixels).save(paths[-1], quality=85)
    return paths
