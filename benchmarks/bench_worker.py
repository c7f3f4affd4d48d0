"""How near the Worker comes to what its cores could do: pictures per second from disk to encoded results.

The baseline is the schedule bound of the same run: cores / core-seconds per picture, each stage measured alone on one
thread over all the photos. On a machine that others use at the same time, "cores" are those that were free: what as
many spinning processes get right before and after each round; the least disturbed round counts. Bare `session.run` on
prepared tensors is printed beside it, and is itself the bar where the models take at least fifteen times as long as
the rest. A plain loop over the same photos (read, decode, run, next) shows what each stage costs in its turn, how much
overlap can give, and how much it gave.
"""

import asyncio
import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from PIL import Image

from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.work import BatchWork, ChildSettings, Ran, ResourceWork, StageWork
from ai_worker.inference.buffers import Shelf
from ai_worker.inference.classify import read_crop
from ai_worker.inference.columns import to_results
from ai_worker.inference.decode import decode_opened, open_picture
from ai_worker.inference.detect import Finder, spec_of
from ai_worker.inference.forward import forward
from ai_worker.inference.lot import Limits
from ai_worker.inference.pipeline import look
from ai_worker.inference.preprocess import crop_box, to_input
from ai_worker.inference.types import OpenStage
from ai_worker.model_store.open_onnx import PROVIDERS, open_session
from ai_worker.model_store.register import register_model
from benchmarks.networks import CLASSES, build_detector
from benchmarks.report import CORES, QUIET, ROOT, Options, Row, Size, asked, free_share, report, spinners
from trapper_schemas.catalog import read_label_map
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelRef
from trapper_schemas.v1.resources import ResourceRef

SHARED = Path(os.environ.get("TRAPPER_SHARED_DATA") or ROOT / ".." / "shared" / "data")
SIZES = {"3 MP": (2048, 1536), "12 MP": (4000, 3000)}
DISTINCT = 6
ENOUGH_ROUNDS = 3
BAR = 0.90
MODEL_DOMINATES = 15
MODELS = ("detect", "classify")


@dataclass
class Setup:
    """A detector and a classifier, where their files are, and how many photos make one batch."""

    name: str
    stages: list[OpenStage]
    weights: list[Path]
    photos: dict[str, int] = field(default_factory=lambda: {"3 MP": 48, "12 MP": 24})

    @cached_property
    def finder(self) -> Finder:
        """What reads the detector's answers."""
        return Finder.of(self.stages[0].spec, names=[axis.name for axis in self.stages[0].session.outputs])


def opened(weights: Path, **request: Any) -> OpenStage:
    """A model registered as `trapper models add` does, open on one thread."""
    entry = register_model(weights, request, clock=time.perf_counter)[0]
    assert entry.sha256 is not None
    assert entry.spec is not None
    stage = Stage(kind=entry.kind, model=ModelRef(name=entry.name, version=entry.version, sha256=entry.sha256))
    also = (entry.spec.embedding.output,) if entry.spec.embedding else ()
    session = open_session(weights, providers=PROVIDERS["onnx-cpu"], also=also)
    return OpenStage(StageSpec(stage=stage, model=entry), session)


def setups(folder: Path, size: Size) -> list[Setup]:
    """A detector at 640 px, the demo models, a heavy detector and, where the real data are, two real networks."""
    weights, names = ROOT / "models" / "weights", ROOT / "models" / "labels"
    species, demo = weights / "demo-species.onnx", weights / "demo-detector.onnx"
    labels = lines(names / "demo-species.txt")
    later = opened(species, name="demo-species", predictor="classifier", labels=labels)
    found: list[Setup] = []
    for name, (width, depth), photos in (
        ("detector at 640 px and classifier", (16, 2), {"3 MP": 48, "12 MP": 24}),
        ("heavy detector at 640 px and classifier", (64, 5), {"3 MP": 12}),
    ):
        path = build_detector(folder / f"detector-{width}-{depth}.onnx", size=640, width=width, depth=depth)
        first = opened(path, name="built", predictor="yolov8", labels=list(CLASSES))
        found.append(Setup(name, [first, later], [path, species], photos))
    if size is Size.TINY:
        return found[:1]
    demo_labels = lines(names / "demo-detector.txt")
    first = opened(demo, name="demo-detector", predictor="yolov8", labels=demo_labels)
    found.append(Setup("demo models", [first, later], [demo, species]))
    return found + real_networks(SHARED / "models")


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


def lines(path: Path) -> list[str]:
    """A label file."""
    return path.read_text("utf-8").rstrip("\n").split("\n")


def render(folder: Path, width: int, height: int) -> list[Path]:
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


class Photo:
    """One photo on its way through the stages by hand: each stage is a call, and takes what the one before it left."""

    stages: tuple[str, ...] = ("fetch", "decode", "resize", "detect", "read", "crop", "classify", "name")

    def __init__(self, path: Path, setup: Setup, shelf: Shelf) -> None:
        self.path, self.shelf = path, shelf
        self.detector, self.species = setup.stages
        self.how, self.later = (spec_of(stage.spec).preprocessing for stage in setup.stages)
        self.finder = setup.finder

    def fetch(self) -> None:
        self.data = self.path.read_bytes()
        self.sha256 = hashlib.sha256(self.data).hexdigest()

    def decode(self) -> None:
        self.pixels = decode_opened(open_picture(self.data, max_pixels=10**9), shelf=self.shelf).pixels

    def resize(self) -> None:
        self.tensor, self.mapping = to_input(self.pixels, self.how)

    def detect(self) -> None:
        self.outputs = forward(self.detector.session, [self.tensor])[0]

    def read(self) -> None:
        self.found = self.finder.find(self.outputs, self.mapping)
        self.boxes = [self.found.boxes[row] for row in self.finder.animals(self.found)]

    def crop(self) -> None:
        self.crops = [to_input(crop_box(self.pixels, box, self.later), self.later)[0] for box in self.boxes]

    def classify(self) -> None:
        self.said = forward(self.species.session, self.crops) if self.crops else []

    def name(self) -> None:
        for rows in self.said:
            read_crop([rows], [self.species])


def stages_alone(setup: Setup, paths: Sequence[Path], times: int) -> dict[str, float]:
    """Core-seconds per photo of each stage, over all the photos in turn and nothing else in between; the median."""
    photos = [Photo(path, setup, Shelf(2**30)) for path in paths]
    parts: dict[str, float] = {}
    for stage in Photo.stages:
        taken: list[float] = []
        for _ in range(times + 1):
            start = time.thread_time()
            for photo in photos:
                getattr(photo, stage)()
            taken.append((time.thread_time() - start) / len(photos))
        parts[stage] = statistics.median(taken[1:])
    encode, taken = encoding(setup, paths), list[float]()
    for _ in range(times + 1):
        start = time.thread_time()
        encode()
        taken.append((time.thread_time() - start) / len(paths))
    return parts | {"encode": statistics.median(taken[1:])}


def encoding(setup: Setup, paths: Sequence[Path]) -> Callable[[], bytes]:
    """The last stage of a whole batch."""
    looks = look([path.read_bytes() for path in paths], setup.stages, Limits(threads=1), clock=time.perf_counter)
    ids = [uuid4() for _ in paths]
    return lambda: to_results(
        looks, batch_id=ids[0], attempt=1, worker_id=ids[0], resource_ids=ids, stages=setup.stages
    ).to_blob()


def plain_loop(setup: Setup, paths: Sequence[Path], count: int) -> tuple[dict[str, float], float]:
    """Core-seconds per photo of each stage when one follows the other on one thread, and of the whole loop."""
    shelf = Shelf(2**30)
    taken: dict[str, float] = dict.fromkeys(Photo.stages, 0.0)
    begin = time.thread_time()
    for index in range(count):
        photo = Photo(paths[index % len(paths)], setup, shelf)
        for stage in Photo.stages:
            start = time.thread_time()
            getattr(photo, stage)()
            taken[stage] += (time.thread_time() - start) / count
    return taken, (time.thread_time() - begin) / count


def bare_run(setup: Setup, seconds: float) -> float:
    """Pictures per second of nothing but the detector, on prepared tensors, on all cores."""
    session, how = setup.stages[0].session, spec_of(setup.stages[0].spec).preprocessing
    tensor = to_input(np.zeros((how.height, how.width, 3), np.uint8), how)[0][None]
    ends = time.perf_counter() + seconds

    def run_on(_: int) -> int:
        done = 0
        while time.perf_counter() < ends:
            session.run(tensor)
            done += 1
        return done

    with ThreadPoolExecutor(CORES) as pool:
        start = time.perf_counter()
        return sum(pool.map(run_on, range(CORES))) / (time.perf_counter() - start)


@dataclass(frozen=True)
class Round:
    """One run through the real inference process."""

    share: float
    rate: float
    bare: float
    core_seconds: float


async def end_to_end(setup: Setup, paths: Sequence[Path], label: str, size: Size, pool: ProcessPoolExecutor) -> Round:
    """From files to blobs, batch after batch, as the Worker's loops feed its process; the least disturbed round."""
    count, batches = (size.of(setup.photos[label], setup.photos[label], 6), size.of(4, 2, 1))
    stages = tuple(StageWork(stage.spec, path) for stage, path in zip(setup.stages, setup.weights, strict=True))
    url = "http://expert/api/media/1/inference"
    resources = tuple(
        ResourceWork(
            ResourceRef(id=uuid4(), url=url, sha256="0" * 64, media_type="image/jpeg", size_bytes=1),
            paths[index % len(paths)],
        )
        for index in range(count)
    )

    def one() -> BatchWork:
        return BatchWork(uuid4(), 1, uuid4(), stages, resources)

    rounds: list[Round] = []
    async with InferenceChild(ChildSettings(threads=CORES)) as child:
        await child.run(one())
        for _ in range(size.of(6, 2, 1)):
            before, used = free_share(pool), core_seconds(child.pid)
            start = time.perf_counter()
            ran: list[Ran] = await asyncio.gather(*(child.run(one()) for _ in range(batches)))
            taken = time.perf_counter() - start
            spent = core_seconds(child.pid) - used
            assert all(each.seen == count for each in ran)
            share = (before + free_share(pool)) / 2
            bare = bare_run(setup, size.of(3.0, 1.0, 0.2))
            rounds.append(Round(share, count * batches / taken, bare, spent / (count * batches)))
            if len(rounds) >= ENOUGH_ROUNDS and max(one.share for one in rounds) >= QUIET:
                break
    return max(rounds, key=lambda one: one.share)


def core_seconds(pid: int | None) -> float:
    """What another process has used of the processor; nothing where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(setup: Setup, label: str, folder: Path, size: Size, pool: ProcessPoolExecutor) -> Row:
    """One line of the table."""
    paths = render(folder, *SIZES[label])
    alone = stages_alone(setup, paths, size.of(7, 3, 1))
    in_loop, loop = plain_loop(setup, paths, size.of(48, 24, 6))
    best = asyncio.run(end_to_end(setup, paths, label, size, pool))
    share = 1.0 if best.share >= QUIET else best.share
    total, models = sum(alone.values()), sum(alone[stage] for stage in MODELS)
    bound = share * CORES / total
    dominates = models >= MODEL_DOMINATES * (total - models)
    slowest = max(alone, key=lambda stage: alone[stage])
    print(f"{setup.name}, {label}: {best.rate:.1f}/s; {share:.0%} of the cores were free")
    print(f"  core-milliseconds per photo alone   {told(alone)}; together {total * 1000:.1f}")
    print(f"  the same in a plain loop            {told(in_loop)}; together {loop * 1000:.1f}")
    print(f"  the Worker's process used {best.core_seconds * 1000:.1f} core-milliseconds per photo")
    print(f"  plain loop {share / loop:.1f}/s; overlap can give {CORES:.2f} times that, it gave", end=" ")
    print(f"{best.rate * loop / share:.2f}; bare session.run {best.bare:.1f}/s; most of the time goes into {slowest}")
    return Row(
        name=f"worker end to end, {setup.name}, {label}",
        unit="images/s",
        ours=best.rate,
        baseline=best.bare if dominates else bound,
        baseline_is="bare session.run" if dominates else "schedule bound: cores / core-seconds per image",
        bar=BAR,
        also={
            "cores_free": round(best.share, 3),
            "schedule_bound": round(bound, 2),
            "of_schedule_bound": round(best.rate / bound, 3),
            "bare_session_run": round(best.bare, 2),
            "plain_loop": round(share / loop, 2),
            "overlap_can_give": CORES,
            "overlap_gave": round(best.rate * loop / share, 3),
            "bounded_by": slowest,
            "core_milliseconds_alone": in_milliseconds(alone),
            "core_milliseconds_in_plain_loop": in_milliseconds(in_loop),
            "core_milliseconds_used": round(best.core_seconds * 1000, 2),
        },
    )


def told(parts: dict[str, float]) -> str:
    """Stages with their milliseconds, in a line."""
    return ", ".join(f"{stage} {seconds * 1000:.1f}" for stage, seconds in parts.items())


def in_milliseconds(parts: dict[str, float]) -> dict[str, float]:
    """Rounded for the file."""
    return {stage: round(seconds * 1000, 3) for stage, seconds in parts.items()}


def main(options: Options) -> int:
    """Measure, print, write; 1 when a bar does not hold."""
    with tempfile.TemporaryDirectory() as place, spinners() as pool:
        folder = Path(place)
        rows = [
            measure(setup, label, folder, options.size, pool)
            for setup in setups(folder, options.size)
            for label in setup.photos
        ]
    return report("worker", rows, options)


if __name__ == "__main__":
    raise SystemExit(main(asked(__doc__)))
