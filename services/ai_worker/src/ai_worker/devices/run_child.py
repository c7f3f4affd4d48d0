"""Runs, limits and replaces the inference process of one device; its death raises InferenceDied.

Two batches are in the process at a time, so that the second one's first pictures are decoded while the first one's
last ones are classified. When the process dies with both in it, nobody knows whose fault it was: each is looked at
once more, alone.
"""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from prometheus_client import Counter

from ai_worker.devices.child_process import ChildProcess, DiedWithOthers
from ai_worker.devices.work import BatchWork, ChildSettings, DeviceTest, Ran, ResourceWork, SelfTest, StageWork

STARTS = Counter("trapper_inference_starts_total", "Starts of inference processes, the first one too", ["device"])
LANES = 2
"""Batches in one process: one is looked at, the next one begins when that leaves a core idle."""

_TRY_SECONDS = 300.0
"""A device may have to build an engine first; one that hangs is no device."""


class InferenceChild:
    """`async with InferenceChild(settings) as child: ran = await child.run(work)`."""

    def __init__(self, settings: ChildSettings) -> None:
        self.settings = settings
        self._process: ChildProcess | None = None
        self._starting = asyncio.Lock()
        self._changed = asyncio.Event()
        self.aboard = 0
        """Batches in the process."""
        self._alone = False
        self._want_alone = 0
        self._retiring = False
        self._busy_seconds = 0.0
        self._busy_since: float | None = None

    async def __aenter__(self) -> Self:
        await self._living()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id while it lives."""
        return self._process.process.pid if self._process is not None and self._process.lives else None

    @property
    def loaded(self) -> tuple[str, ...]:
        """The sha256 of the weights in the child's memory, most recent first."""
        return self._process.loaded if self._process is not None and self._process.lives else ()

    @property
    def confinement(self) -> dict[str, Any]:
        """What holds the child in, by subject; empty while there is none."""
        return self._process.confinement if self._process is not None else {}

    @property
    def busy_seconds(self) -> float:
        """Seconds with at least one batch."""
        return self._busy_seconds + (0.0 if self._busy_since is None else time.monotonic() - self._busy_since)

    @property
    def memory_bytes(self) -> int | None:
        """What the process holds in real memory, where the system tells."""
        try:
            return int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            return None

    async def run(self, work: BatchWork, *, on_progress: Callable[[int], None] | None = None) -> Ran:
        """Runs one batch; InferenceDied when the child dies or takes too long, CannotRun when it declines."""
        message = {
            "kind": "run",
            "batch_id": str(work.batch_id),
            "attempt": work.attempt,
            "worker_id": str(work.worker_id),
            "stages": [_stage(stage) for stage in work.stages],
            "resources": [_resource(resource) for resource in work.resources],
        }
        try:
            return await self._run(message, on_progress, alone=False)
        except DiedWithOthers:
            return await self._run(message, on_progress, alone=True)

    async def self_test(self, stage: StageWork) -> SelfTest:
        """Runs the golden inputs of one model on this child's device."""
        async with self._seat(alone=True):
            answer = await self._ask({"kind": "self-test", **_stage(stage)}, None)
        return SelfTest(**answer)

    async def test_device(self) -> DeviceTest:
        """Tests that the device computes; CannotRun or InferenceDied when it does not."""
        async with self._seat(alone=True):
            answer = await self._ask({"kind": "try"}, None, seconds=_TRY_SECONDS)
        return DeviceTest(**answer)

    async def close(self) -> None:
        """End the child once it has answered; it gets a moment to leave by itself."""
        async with self._seat(alone=True):
            await self._stop()

    def kill(self) -> None:
        """End the child at once, in the middle of whatever it does; a `run` under way raises InferenceDied."""
        if self._process is not None:
            self._process.kill()

    async def _run(self, message: dict[str, Any], on_progress: Callable[[int], None] | None, *, alone: bool) -> Ran:
        async with self._seat(alone=alone):
            answer = await self._ask(message, on_progress)
            loaded, memory = tuple(answer.pop("loaded")), answer.pop("memory_bytes")
            if self._process is not None:
                self._process.loaded = loaded
                self._process.answered += 1
                too_big = memory > self.settings.memory_limit_bytes // 2
                self._retiring |= too_big or self._process.answered >= self.settings.batches_per_child
        return Ran(**answer)

    async def _ask(
        self, message: dict[str, Any], on_progress: Callable[[int], None] | None, *, seconds: float | None = None
    ) -> dict[str, Any]:
        process = await self._living()
        # Whoever came before may take all of its time first.
        allowed = self.settings.batch_seconds * self.aboard if seconds is None else seconds
        answer = await process.ask(message, on_progress=on_progress, seconds=allowed)
        del answer["kind"]
        return answer

    @asynccontextmanager
    async def _seat(self, *, alone: bool) -> AsyncGenerator[None, None]:
        """Waits for a slot in the process; the last one to leave a process that is due for replacement ends it."""
        self._want_alone += alone
        try:
            while not self._has_seat(alone=alone):
                self._changed.clear()
                await self._changed.wait()
        finally:
            self._want_alone -= alone
        self.aboard += 1
        self._alone = alone
        if self._busy_since is None:
            self._busy_since = time.monotonic()
        try:
            yield
        finally:
            try:
                if self.aboard == 1 and (self._retiring or self.pid is None):
                    await self._stop()
            finally:
                self.aboard -= 1
                self._alone = False
                if not self.aboard:
                    self._busy_seconds, self._busy_since = self.busy_seconds, None
                self._changed.set()

    def _has_seat(self, *, alone: bool) -> bool:
        if alone:
            return not self.aboard
        return self.aboard < LANES and not (self._alone or self._want_alone or (self._retiring and self.aboard))

    async def _living(self) -> ChildProcess:
        async with self._starting:
            if self._process is None or not self._process.lives:
                await self._stop()
                self._process = await ChildProcess.start(self.settings)
                STARTS.labels(self.settings.device).inc()
            return self._process

    async def _stop(self) -> None:
        process, self._process = self._process, None
        self._retiring = False
        if process is not None:
            await process.stop()


def _stage(stage: StageWork) -> dict[str, Any]:
    spec = stage.spec.model_dump(mode="json")
    published = None if stage.published is None else stage.published.model_dump(mode="json")
    return {"spec": spec, "weights": str(stage.weights), "checksum": stage.checksum, "published": published}


def _resource(resource: ResourceWork) -> dict[str, Any]:
    known = {"id": str(resource.ref.id)}
    match resource.content:
        case Path() as path:
            return known | {"path": str(path)}
        case bytes() as content:
            return known | {"bytes": content}
        case failed:
            return known | {"failed": failed.model_dump(mode="json")}
