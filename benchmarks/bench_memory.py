"""The memory of Manager and Worker between a job of 1,000 resources and one of 100,000.

Real processes: the Manager's web and task processes on PostgreSQL and Valkey, a Worker with its inference process,
a media server. After a first job, which lasts until batches have the size that follows from the speed, the peak of each
process in a small job is compared with its peak in the large one, the streamed submission included. The pictures are
tiny and so is the model: what counts is how many there are. On a machine that cannot do the whole large job within the
time it is cancelled, and the last row says how far it came, which is then a bar that was missed.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from ai_manager.access.state import Scope
from ai_manager.workers.issue_enrolment import issue_enrolment
from benchmarks.http import Connection
from benchmarks.report import ROOT, Options, Row, Size, parse_options, report
from benchmarks.stack import HOST, RUNTIME, Stack, free_port, manager_stack
from tests.support.make.inference import encoded, painted, stage_spec
from tests.support.networks import colour_detector
from trapper_schemas.ids import uuid7

NAME = "memory"
BAR = 1.1
WHOLE = 1.0
SAMPLE_SECONDS = 0.25
MEGABYTE = 1024**2


@dataclass(frozen=True)
class Sizes:
    """Resources of the first job, of the small one and of the large one, and how many seconds each may take."""

    first: int
    small: int
    large: int
    seconds: float


SIZES = {
    Size.FULL: Sizes(10_000, 1_000, 100_000, 500),
    Size.QUICK: Sizes(6_000, 1_000, 8_000, 240),
    Size.TINY: Sizes(60, 30, 60, 120),
}


@dataclass
class Peaks:
    """The largest that each kind of process has been since the last `begin`; of several alike the largest counts."""

    manager: psutil.Process
    tasks: psutil.Process
    worker: psutil.Process
    most: dict[str, float] = field(default_factory=dict)

    def core_seconds(self) -> dict[str, float]:
        """What each of the lasting processes has used so far."""
        lasting = {"Manager, web": self.manager, "Manager, tasks": self.tasks, "Worker": self.worker}
        return {name: sum(process.cpu_times()[:2]) for name, process in lasting.items()}

    async def watch(self) -> None:
        """Look until cancelled."""
        while True:
            self._look()
            await asyncio.sleep(SAMPLE_SECONDS)

    def begin(self) -> None:
        """From now on."""
        self.most = {}

    def _look(self) -> None:
        inference = [("Worker, inference", child) for child in self.worker.children(recursive=True)]
        named = [("Manager, web", self.manager), ("Manager, tasks", self.tasks), ("Worker", self.worker), *inference]
        for name, process in named:
            self.most[name] = max(self.most.get(name, 0.0), held(process))


def held(process: psutil.Process) -> float:
    """Megabytes of a process: its proportional share where the system tells it, else what is resident."""
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / MEGABYTE
        return process.memory_info().rss / MEGABYTE
    except (psutil.Error, OSError):
        return 0.0  # it is gone


@asynccontextmanager
async def program(*words: str, env: dict[str, str] | None = None, ready: bytes = b"") -> AsyncGenerator[Any, None]:
    """A process of ours, which does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *words),
        cwd=ROOT,
        env=env,
        stdout=asyncio.subprocess.PIPE if ready else asyncio.subprocess.DEVNULL,
        stderr=None if ready else asyncio.subprocess.DEVNULL,
    )
    try:
        if ready:
            assert process.stdout is not None
            assert await process.stdout.readline() == ready, f"{words[0]} did not start"
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def enrolled_worker(stack: Stack) -> AsyncGenerator[psutil.Process, None]:
    """A Worker process that claims from this Manager."""
    async with stack.work.db() as db:
        token = issue_enrolment(
            db,
            runtimes=[RUNTIME],
            uses=1,
            lifetime=stack.lifetime,
            project="",
            now=stack.work.clock.now(),
            hash_token=stack.work.hash_token,
        )
    own = {
        "AI_WORKER_STATE_DIR": str(stack.folder / "worker"),
        "AI_WORKER_MANAGER_URL": f"http://{HOST}:{stack.port}",
        "AI_WORKER_ALLOWED_ADDRESSES": '["127.0.0.0/8"]',
        "AI_WORKER_LOG_LEVEL": "WARNING",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AI_WORKER_")}
    environment = {**kept, "PYTHONPATH": stack.environment["PYTHONPATH"], **own}
    enrol = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ai_worker.commands", "enrol", "--token-stdin"),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await enrol.communicate(token.encode())
    assert enrol.returncode == 0, "the worker could not be enrolled; its reason stands above"
    async with program("ai_worker.commands", "run", "--port", str(free_port()), env=environment) as process:
        yield psutil.Process(process.pid)


@dataclass
class Asking:
    """An Expert of one kind of picture and one model."""

    port: int
    token: str
    stage: dict[str, Any]
    picture: bytes
    origin: str

    async def submit(self, count: int) -> UUID:
        """A job of so many photos, written while it is sent."""
        more = f"Idempotency-Key: {uuid7()}\r\nContent-Type: application/json\r\n"
        async with Connection.opened(HOST, self.port, self.token) as connection:
            status, body = await connection.stream("POST", "/api/prediction_jobs/", self._body(count), more=more)
        assert status == 201, body
        return UUID(json.loads(body)["id"])

    async def _body(self, count: int) -> AsyncIterator[bytes]:
        head = {
            "job_config": {"stages": [self.stage]},
            "sealed": True,
            "media_grant": "a grant",
            "media_origins": [self.origin],
        }
        yield json.dumps(head)[:-1].encode() + b', "resources": ['
        digest = sha256(self.picture).hexdigest()
        for start in range(0, count, 100):
            part = b",".join(self._resource(digest) for _ in range(min(100, count - start)))
            yield (b"," if start else b"") + part
        yield b"]}"

    def _resource(self, digest: str) -> bytes:
        number = uuid7()
        url = f"{self.origin}/api/media/{number}/inference"
        size = len(self.picture)
        resource = {"id": str(number), "url": url, "sha256": digest, "media_type": "image/png", "size_bytes": size}
        return json.dumps(resource).encode()

    async def wait_until_closed(self, job: UUID, *, seconds: float) -> int:
        """How many resources were looked at when the job closed, or when the time was over and it was cancelled."""
        until = time.monotonic() + seconds
        path = f"/api/prediction_jobs/{job}/"
        async with Connection.opened(HOST, self.port, self.token) as connection:
            while True:
                reply = await connection.json("GET", path, None)
                if reply["closed_at"] is not None:
                    break
                if time.monotonic() > until:
                    reply = await connection.json("POST", f"{path}cancel/", None)
                    break
                await asyncio.sleep(1)
            failures = (await connection.json("GET", f"{path}failures/", None))["items"]
        assert not failures, f"photos failed, such as {failures[0]}"
        counts = reply["counts"]
        return int(counts["done"] + counts["blank"])


@asynccontextmanager
async def expert(stack: Stack) -> AsyncGenerator[Asking, None]:
    """Its media server, its model in the catalogue, its connection to the Manager."""
    picture = encoded(painted([(1, 0, (255, 0, 0))]))
    file = stack.folder / "picture.png"
    file.write_bytes(picture)
    port = free_port()
    weights = colour_detector(stack.folder / "detector.onnx")
    spec = stage_spec(weights)
    token = await stack.token(Scope.JOBS, Scope.PUBLISH)
    async with (
        program("benchmarks.media_server", str(file), str(port), ready=b"ready\n"),
        Connection.opened(HOST, stack.port, token) as connection,
    ):
        await connection.json("POST", "/api/models/", {"entry": spec.model.model_dump(mode="json")})
        path = f"/api/models/{spec.stage.model.sha256}/weights"
        status, body = await connection.request("PUT", path, weights.read_bytes())
        assert status < 300, body
        yield Asking(stack.port, token, spec.stage.model_dump(mode="json"), picture, f"http://{HOST}:{port}")


async def measure(options: Options) -> list[Row]:
    """Warm up, small, large."""
    sizes = SIZES[options.size]
    async with (
        manager_stack(tasks=True, valkey=True, batch_size=32) as stack,
        expert(stack) as asking,
        enrolled_worker(stack) as worker,
    ):
        assert stack.tasks is not None
        peaks = Peaks(stack.process, stack.tasks, worker)
        watching = asyncio.create_task(peaks.watch())
        try:
            for count in (sizes.first, sizes.small):
                peaks.begin()
                done = await asking.wait_until_closed(await asking.submit(count), seconds=sizes.seconds)
                assert done == count, f"only {done} of {count} were done after {sizes.seconds:.0f} s"
            small = peaks.most
            peaks.begin()
            began, used = time.monotonic(), peaks.core_seconds()
            job = await asking.submit(sizes.large)
            print(f"{sizes.large} resources were submitted in {time.monotonic() - began:.1f} s")
            done = await asking.wait_until_closed(job, seconds=sizes.seconds)
            large = peaks.most
            seconds = time.monotonic() - began
            used = {name: now - used[name] for name, now in peaks.core_seconds().items()}
            print(f"{done} of them were done after {seconds:.0f} s")
        finally:
            watching.cancel()
    cores = {name: {"core_ms_per_resource": round(1000 * spent / max(done, 1), 3)} for name, spent in used.items()}
    rows = [_row(sizes, name, (small[name], large[name]), done=done, also=cores.get(name, {})) for name in small]
    label = f"the job; it was submitted whole, and stopped after {sizes.seconds:.0f} s if it was not done"
    speed = {"resources_per_second": round(done / seconds, 1)}
    resources_label = "resources of the large job that were looked at"
    return [*rows, Row(resources_label, "resources", done, sizes.large, label, WHOLE, also=speed)]


def _row(sizes: Sizes, name: str, peaks: tuple[float, float], *, done: int, also: dict[str, Any]) -> Row:
    """One kind of process: its peaks in the small job and in the large one."""
    small, large = peaks
    label, base = f"peak of {name}: {sizes.small} and {done} resources", f"the peak in a job of {sizes.small}"
    return Row(label, "MB", large, small, base, BAR, at_most=True, also=also)


if __name__ == "__main__":
    asking_for = parse_options(__doc__)
    raise SystemExit(report(NAME, asyncio.run(measure(asking_for)), asking_for))
