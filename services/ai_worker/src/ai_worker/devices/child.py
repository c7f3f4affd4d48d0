"""The inference process: runs models, talks to its parent over pipes, and ends with it.

Run as `python -m ai_worker.devices.child` by child_process.py; it speaks in messages (pipes.py) on standard input and
output. Nothing else may write to standard output, so that is moved out of everybody's way first. Each question is
answered by a thread of its own, so that a batch begins while the one before it still ends.
"""

import contextlib
import ctypes
import os
import queue
import resource
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

from ai_worker.confinement.confine import confine_for_good
from ai_worker.devices import pipes
from ai_worker.devices.run_self_test import self_test_model
from ai_worker.devices.try_device import try_device
from ai_worker.devices.work import CannotRun, ChildSettings, usable_cores
from ai_worker.inference.batch_run import Limits
from ai_worker.inference.columns import count_objects, to_results
from ai_worker.inference.detect import spec_of
from ai_worker.inference.pipeline import Pipeline
from ai_worker.inference.steps import Source
from ai_worker.inference.types import Failure, ModelOutputUnfit, ModelTooSlow, OpenStage
from ai_worker.model_store.errors import ModelRefused, ProviderUnavailable, RuntimeAbsent
from ai_worker.model_store.open_model import PlacedSession, open_model
from ai_worker.model_store.places import CPU, KINDS, Place
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.models import GoldenRun
from trapper_schemas.v1.results import Failed, FailureCode

_SESSIONS_KEPT = 6
_WATCH_SECONDS = 0.5
_TELL_SECONDS = 0.25
_PR_SET_PDEATHSIG = 1
_OUT_OF_MEMORY = 87
"""Exit code of a child that ended itself at its memory limit."""
_ACCELERATOR_BATCH = 16
_ACCELERATOR_PASSES = 2
"""One is on the device while the tensors of the next one are put together and the answers of the last one read."""
_ACCELERATOR_PATIENCE = 10
"""They may build an engine when they meet a shape."""
_CROP_BATCH = 8
_PASSES_IN_A_ROW = 4
"""On the processor a pass leaves nothing of ours in the caches; who reads four answers together fetches it once."""


class Child:
    """Settings and open sessions of the process."""

    def __init__(self, settings: ChildSettings) -> None:
        self.settings = settings
        self.cores = settings.threads or usable_cores()
        self.sessions: OrderedDict[str, PlacedSession] = OrderedDict()
        self.turn = threading.Lock()
        self.free_at = 0.0
        if settings.runtime not in KINDS:
            raise CannotRun("runtime", f"the runtime {settings.runtime!r} is not known; known: {', '.join(KINDS)}")
        self.on_processor = settings.runtime == CPU
        self.pipeline = Pipeline(self._limits(), clock=time.perf_counter)

    def run(self, message: dict[str, Any], on_progress: Callable[[int], None]) -> dict[str, Any]:
        """Runs the models on one batch; the answer carries the encoded results."""
        with self.turn:  # the batches stand on the pipeline in the order in which they came
            stages = [self._open(stage) for stage in message["stages"]]
            start = time.perf_counter()
            batch_run = self.pipeline.begin(
                [_source(resource) for resource in message["resources"]], stages, on_progress
            )
        looks = self.pipeline.end(batch_run)
        results = to_results(
            looks,
            batch_id=UUID(message["batch_id"]),
            attempt=message["attempt"],
            worker_id=UUID(message["worker_id"]),
            resource_ids=[UUID(resource["id"]) for resource in message["resources"]],
            stages=stages,
        )
        blob = results.to_blob()
        now = time.perf_counter()
        seconds, self.free_at = now - max(start, self.free_at), now  # without what the batch before it took
        seen, blank, failed = count_objects(looks, stages[0])
        return {
            "kind": "ran",
            "blob": blob,
            "seen": seen,
            "blank": blank,
            "failed": failed,
            "seconds": seconds,
            "images_per_second": seen / max(seconds, 1e-6),
            "model_seconds": {
                stage.spec.stage.model.key: spent for stage, spent in zip(stages, looks.seconds, strict=True)
            },
            "model_images_per_second": {
                stage.spec.stage.model.key: seen / spent
                for stage, spent in zip(stages, looks.seconds, strict=True)
                if spent > 0
            },
            "loaded": list(reversed(self.sessions)),
            "memory_bytes": _memory_in_use(),
        }

    def self_test(self, message: dict[str, Any]) -> dict[str, Any]:
        """Runs one model's golden inputs."""
        spec = StageSpec.model_validate(message["spec"])
        try:
            model = spec_of(spec)
            published = GoldenRun.model_validate(message["published"]) if message["published"] is not None else None
            weights, place = Path(message["weights"]), self._place(spec)
            with self.turn:
                session = self._session(spec, weights)
            return {"kind": "self-tested", **self_test_model(session, weights, model, place, published)}
        except ModelOutputUnfit as problem:
            raise CannotRun("model-output", str(problem)) from problem
        except ModelTooSlow as problem:
            raise CannotRun("too-slow", str(problem)) from problem

    def test_device(self) -> dict[str, Any]:
        """Tests that the device computes."""
        with self.turn:
            return {"kind": "tried", **try_device(self._place())}

    def _limits(self) -> Limits:
        return Limits(
            threads=self.cores,
            batch_size=self.settings.batch_size or (1 if self.on_processor else _ACCELERATOR_BATCH),
            in_a_row=_PASSES_IN_A_ROW if self.on_processor else 1,
            crop_batch_size=_CROP_BATCH if self.on_processor else 4 * _CROP_BATCH,
            forward_passes=0 if self.on_processor else _ACCELERATOR_PASSES,
            pixel_budget_bytes=self.settings.pixel_budget_bytes,
            max_pixels=self.settings.max_pixels,
            max_lost=self.settings.max_lost,
        )

    def _open(self, stage: dict[str, Any]) -> OpenStage:
        spec = StageSpec.model_validate(stage["spec"])
        try:
            session = self._session(spec, Path(stage["weights"]))
        except ModelOutputUnfit as problem:
            raise CannotRun("model-output", str(problem)) from problem
        return OpenStage(
            spec=spec,
            session=session,
            runtime=self.settings.runtime,
            provider=session.provider,
            device=session.device,
            precision=session.precision,
            checksum=stage["checksum"],
        )

    def _place(self, spec: StageSpec | None = None) -> Place:
        settings, limits = self.settings, self._limits()
        how = None if spec is None else spec_of(spec).preprocessing
        cache = None if spec is None or not settings.cache_dir else Path(settings.cache_dir) / spec.stage.model.key
        return Place(
            runtime=settings.runtime,
            device=settings.device,
            # On the processor every thread runs the model by itself, which wastes nothing on waiting for each other.
            threads=1 if self.on_processor else self.cores,
            cache=cache,
            hardware=settings.hardware,
            half=settings.half,
            usual_batch=limits.batch_size,
            largest_batch=max(limits.batch_size, limits.crop_batch_size),
            sides=None if how is None else (how.height, how.width),
            picture_seconds=settings.picture_seconds * (1 if self.on_processor else _ACCELERATOR_PATIENCE),
        )

    def _session(self, spec: StageSpec, weights: Path) -> PlacedSession:
        model = spec_of(spec)
        also = (model.embedding.output,) if model.embedding is not None else ()
        sha256 = spec.stage.model.key
        session = self.sessions.get(sha256)
        # the same weights may go by several names, of which one wants features brought out and another does not
        if session is None or not {axis.name for axis in session.outputs}.issuperset(also):
            session = open_model(weights, self._place(spec), also=also)
        self.sessions[sha256] = session
        self.sessions.move_to_end(sha256)
        while len(self.sessions) > _SESSIONS_KEPT:
            self.sessions.popitem(last=False)
        return session


def _source(resource: dict[str, Any]) -> Source:
    if "failed" in resource:
        failed = Failed.model_validate(resource["failed"])
        return Failure(failed.code, failed.message)
    if "bytes" in resource:
        return bytes(resource["bytes"])
    path = Path(resource["path"])

    def read() -> bytes | Failure:
        try:
            return path.read_bytes()
        except OSError as problem:
            return Failure(FailureCode.MEDIA_UNREACHABLE, f"the fetched file cannot be read: {problem.strerror}")

    return read


def _answer(child: Child, message: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> None:
    """Answers one request; a defect of ours ends the process, and the parent notices."""
    question = message["question"]
    try:
        if message["kind"] == "try":
            answer = child.test_device()
        elif message["kind"] == "self-test":
            answer = child.self_test(message)
        else:
            total = len(message["resources"])
            answer = child.run(message, _Progress(total, lambda done: say(_progress(question, done))))
    except ModelRefused as refused:
        answer = _declined(refused.reason, refused)
    except ProviderUnavailable as problem:
        answer = _declined("provider-unavailable", problem)
    except RuntimeAbsent as problem:
        answer = _declined("runtime-absent", problem)
    except CannotRun as problem:
        answer = _declined(problem.reason, problem)
    except BaseException:  # noqa: BLE001 - said, and left without waiting for the threads
        _leave()
    say(answer | {"question": question})


def _progress(question: int, done: int) -> dict[str, Any]:
    return {"kind": "progress", "question": question, "done": done}


def _declined(reason: str, problem: Exception) -> dict[str, Any]:
    return {"kind": "declined", "reason": reason, "message": str(problem)}


class _Progress:
    """Reports how many pictures are done, at most as often as the parent reads it."""

    def __init__(self, total: int, tell: Callable[[int], None]) -> None:
        self.total = total
        self.tell = tell
        self.sent_at = 0.0

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if done == self.total or now - self.sent_at >= _TELL_SECONDS:
            self.sent_at = now
            self.tell(done)


def _leave() -> NoReturn:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)


def _listen(pipe: pipes.Readable, inbox: "queue.Queue[dict[str, Any]]") -> None:
    """Passes messages on; ends the process when the parent is gone."""
    while (message := pipes.read(pipe)) is not None:
        inbox.put(message)
    os._exit(0)


def _watch(limit_bytes: int) -> None:
    """Ends the process before the machine runs out of memory."""
    while True:
        time.sleep(_WATCH_SECONDS)
        used = _memory_in_use()
        if used > limit_bytes:
            with contextlib.suppress(OSError):
                os.write(2, f"{used // 1024**2} MiB are in use, and {limit_bytes // 1024**2} are allowed\n".encode())
            os._exit(_OUT_OF_MEMORY)


def _memory_in_use() -> int:
    """Returns the resident memory in bytes, or its peak where the system reports only that."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts in bytes


def _confine(settings: ChildSettings) -> dict[str, Any]:
    """Confines this process while it has one thread; on accelerators devices and the engine folder stay usable."""
    on_processor = settings.runtime == CPU
    return confine_for_good(
        readable=[Path(folder) for folder in settings.readable],
        writable=[] if on_processor else [Path("/dev"), *([Path(settings.cache_dir)] if settings.cache_dir else [])],
        own_user=on_processor,
    )


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Serves the parent until it closes the pipe."""
    warnings.filterwarnings("ignore", module="PIL")  # broken EXIF of somebody's camera is no news
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    speaking = threading.Lock()

    def say(message: dict[str, Any]) -> None:
        with speaking:
            pipes.write(output, message)

    pipe = os.fdopen(0, "rb", buffering=0, closefd=False)
    first = pipes.read(pipe)
    if first is None:
        return
    settings = ChildSettings(**first["settings"])
    held = _confine(settings) if settings.confined else {}
    _die_with_parent()  # after the user changed, which makes the kernel forget it
    inbox: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(pipe, inbox), daemon=True).start()
    threading.Thread(target=_watch, args=(settings.memory_limit_bytes,), daemon=True).start()
    try:
        child = Child(settings)
    except CannotRun as problem:
        say(_declined(problem.reason, problem) | {"question": first["question"]})
        return
    with child.pipeline:
        say({"kind": "ready", "question": first["question"], "confinement": held})
        while True:
            threading.Thread(target=_answer, args=(child, inbox.get(), say), daemon=True).start()


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # noqa: BLE001 - a defect of ours: say it, and leave without waiting for the threads
        _leave()
