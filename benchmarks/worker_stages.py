"""What each stage of the Worker costs: alone, over all photos in turn, and one after the other in a plain loop."""

import hashlib
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import numpy as np

from ai_worker.inference.batch_run import Limits
from ai_worker.inference.buffers import BufferPool
from ai_worker.inference.classify import read_crop
from ai_worker.inference.columns import to_results
from ai_worker.inference.decode import decode_opened, open_picture
from ai_worker.inference.detect import spec_of
from ai_worker.inference.forward import forward
from ai_worker.inference.pipeline import look
from ai_worker.inference.preprocess import crop_box, to_input
from benchmarks.report import CORES
from benchmarks.worker_media import Media
from benchmarks.worker_setups import Setup


class Photo:
    """One fetched photo on its way through the stages by hand: each is a call, and takes what the last one left."""

    stages: tuple[str, ...] = ("open", "decode", "resize", "detect", "read", "crop", "classify", "name")

    def __init__(self, path: Path, setup: Setup, pool: BufferPool) -> None:
        self.path, self.pool = path, pool
        self.detector, self.species = setup.stages
        self.how, self.later = (spec_of(stage.spec).preprocessing for stage in setup.stages)
        self.finder = setup.finder

    def open(self) -> None:
        self.data = self.path.read_bytes()
        self.opened = open_picture(self.data, max_pixels=10**9)
        self.sha256 = hashlib.sha256(self.data).hexdigest()

    def decode(self) -> None:
        self.pixels = decode_opened(self.opened, pool=self.pool).pixels

    def resize(self) -> None:
        self.tensor, self.mapping = to_input(self.pixels, self.how)

    def detect(self) -> None:
        self.outputs = forward(self.detector.session, [self.tensor])[0]

    def read(self) -> None:
        self.detections = self.finder.find(self.outputs, self.mapping)
        self.boxes = [self.detections.boxes[row] for row in self.finder.animals(self.detections)]

    def crop(self) -> None:
        self.crops = [to_input(crop_box(self.pixels, box, self.later), self.later)[0] for box in self.boxes]

    def classify(self) -> None:
        self.outputs = forward(self.species.session, self.crops) if self.crops else []

    def name(self) -> None:
        for rows in self.outputs:
            read_crop([rows], [self.species])


async def stages_alone(setup: Setup, media: Media, times: int, count: int) -> dict[str, float]:
    """Core-seconds per photo of each stage, over all the photos in turn and nothing else in between; the median."""
    parts = {"fetch": statistics.median([await fetching(media, count) for _ in range(times + 1)][1:])}
    photos = [Photo(path, setup, BufferPool(2**30)) for path in media.paths]
    for stage in Photo.stages:
        taken: list[float] = []
        for _ in range(times + 1):
            start = time.thread_time()
            for photo in photos:
                getattr(photo, stage)()
            taken.append((time.thread_time() - start) / len(photos))
        parts[stage] = statistics.median(taken[1:])
    encode, taken = encoding(setup, media.paths, count), list[float]()
    for _ in range(times + 1):
        start = time.thread_time()
        encode()
        taken.append((time.thread_time() - start) / count)
    return parts | {"encode": statistics.median(taken[1:])}


async def fetching(media: Media, count: int) -> float:
    """Core-seconds per photo of fetching a whole batch, and of dropping its files; the media server's are included."""
    before = media.core_seconds()
    async with media.fetched(count):
        pass
    return (media.core_seconds() - before) / count


def encoding(setup: Setup, paths: Sequence[Path], count: int) -> Callable[[], bytes]:
    """The last stage of a whole batch."""
    looks = look([path.read_bytes() for path in paths], setup.stages, Limits(threads=1), clock=time.perf_counter)
    looks.outcomes = [looks.outcomes[index % len(paths)] for index in range(count)]
    ids = [uuid4() for _ in range(count)]
    return lambda: to_results(
        looks, batch_id=ids[0], attempt=1, worker_id=ids[0], resource_ids=ids, stages=setup.stages
    ).to_blob()


async def plain_loop(setup: Setup, media: Media, count: int) -> tuple[dict[str, float], float]:
    """Core-seconds per photo of each stage when one follows the other, and of the whole loop."""
    pool = BufferPool(2**30)
    taken: dict[str, float] = dict.fromkeys(("fetch", *Photo.stages), 0.0)
    begin = media.core_seconds()
    for _ in range(count):
        start = media.core_seconds()
        async with media.fetched(1) as fetched:  # its file is dropped at once in the end, which is not told apart
            taken["fetch"] += (media.core_seconds() - start) / count
            assert isinstance(fetched[0].content, Path)
            photo = Photo(fetched[0].content, setup, pool)
            for stage in Photo.stages:
                start = time.thread_time()
                getattr(photo, stage)()
                taken[stage] += (time.thread_time() - start) / count
    return taken, (media.core_seconds() - begin) / count


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
