"""Starts, feeds, limits and replaces the inference child; its death becomes InferenceDied."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ai_worker.devices import pipes
from ai_worker.devices.work import (
    BatchWork,
    CannotRun,
    ChildSettings,
    InferenceDied,
    Proof,
    Ran,
    ResourceWork,
    StageWork,
)

_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
_ENVIRONMENT_PREFIXES = ("CUDA_", "NVIDIA_", "ORT_", "OMP_", "HAILO_")
_STDERR_KEPT = 2000


class InferenceChild:
    """`async with InferenceChild(settings) as child: ran = await child.run(work)`; one batch at a time."""

    def __init__(self, settings: ChildSettings) -> None:
        self.settings = settings
        self.loaded: tuple[str, ...] = ()
        """The sha256 of the weights in the child's memory, most recent first."""
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: asyncio.Task[None] | None = None
        self._last_words = ""
        self._batches = 0
        self._busy = asyncio.Lock()

    async def __aenter__(self) -> Self:
        async with self._busy:
            await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def pid(self) -> int | None:
        """The child's process id while it lives."""
        return None if self._process is None or self._process.returncode is not None else self._process.pid

    async def run(self, work: BatchWork, *, on_progress: Callable[[int], None] | None = None) -> Ran:
        """Look at one batch; InferenceDied when the child dies or takes too long, CannotRun when it declines."""
        message = {
            "kind": "run",
            "batch_id": str(work.batch_id),
            "attempt": work.attempt,
            "worker_id": str(work.worker_id),
            "stages": [_stage(stage) for stage in work.stages],
            "resources": [_resource(resource) for resource in work.resources],
        }
        async with self._busy:
            answer = await self._ask(message, on_progress)
            self._batches += 1
            self.loaded = tuple(answer.pop("loaded"))
            too_big = answer.pop("memory_bytes") > self.settings.memory_limit_bytes // 2
            if too_big or self._batches >= self.settings.batches_per_child:
                await self._stop()
        return Ran(**answer)

    async def prove(self, stage: StageWork) -> Proof:
        """Run the golden inputs of one model on this child's device, before any work is claimed for it."""
        async with self._busy:
            return Proof(**await self._ask({"kind": "prove", **_stage(stage)}, None))

    async def close(self) -> None:
        """End the child; it gets a moment to leave by itself."""
        async with self._busy:
            await self._stop()

    def kill(self) -> None:
        """End the child at once, in the middle of whatever it does; a `run` under way raises InferenceDied."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _ask(self, message: dict[str, Any], on_progress: Callable[[int], None] | None) -> dict[str, Any]:
        finished = False
        try:
            await self._start()
            async with asyncio.timeout(self.settings.batch_seconds):
                answer = await self._exchange(message, on_progress)
            finished = True
        except TimeoutError as problem:
            raise InferenceDied(f"no answer within {self.settings.batch_seconds:g} s") from problem
        except (pipes.PipeBroken, OSError, asyncio.IncompleteReadError) as problem:
            raise InferenceDied(await self._obituary()) from problem
        finally:
            if not finished:  # dead, late or cancelled: whatever it still does is for nobody
                self.kill()
                await self._stop()
        if answer["kind"] == "declined":
            raise CannotRun(answer["reason"], answer["message"])
        del answer["kind"]
        return answer

    async def _exchange(self, message: dict[str, Any], on_progress: Callable[[int], None] | None) -> dict[str, Any]:
        assert self._process is not None  # noqa: S101 - _start has run
        assert self._process.stdin is not None  # noqa: S101 - made with a pipe
        self._process.stdin.write(pipes.pack(message))
        await self._process.stdin.drain()
        while True:
            answer = await self._read()
            if answer["kind"] != "progress":
                return answer
            if on_progress is not None:
                on_progress(answer["done"])

    async def _read(self) -> dict[str, Any]:
        assert self._process is not None  # noqa: S101 - _start has run
        assert self._process.stdout is not None  # noqa: S101 - made with a pipe
        header = await self._process.stdout.readexactly(pipes.HEADER.size)
        return pipes.unpack(await self._process.stdout.readexactly(pipes.length_of(header)))

    async def _start(self) -> None:
        if self.pid is not None:
            return
        self._batches = 0
        self.loaded = ()
        self._last_words = ""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ai_worker.devices.child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle
        )
        self._stderr = asyncio.create_task(self._listen(self._process))
        try:
            async with asyncio.timeout(self.settings.start_seconds):
                answer = await self._exchange({"kind": "settings", "settings": asdict(self.settings)}, None)
        except (TimeoutError, pipes.PipeBroken, OSError, asyncio.IncompleteReadError) as problem:
            words = await self._obituary()
            await self._stop()
            raise InferenceDied(f"the inference process did not start: {words}") from problem
        if answer["kind"] == "declined":
            await self._stop()
            raise CannotRun(answer["reason"], answer["message"])

    async def _stop(self) -> None:
        process, self._process = self._process, None
        self.loaded = ()
        if process is None:
            return
        if process.returncode is None:
            assert process.stdin is not None  # noqa: S101 - made with a pipe
            process.stdin.close()  # the child leaves when its input ends
            try:
                await asyncio.wait_for(process.wait(), timeout=5)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._stderr is not None:
            await self._stderr
            self._stderr = None

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - made with a pipe
        while part := await process.stderr.read(4096):
            self._last_words = (self._last_words + part.decode("utf-8", "replace"))[-_STDERR_KEPT:]

    async def _obituary(self) -> str:
        process = self._process
        if process is None:
            return "the inference process is gone"
        try:
            code = await asyncio.wait_for(process.wait(), timeout=2)
        except TimeoutError:
            return "the inference process closed its pipe"
        if code < 0:
            how = f"the inference process was ended by {signal.Signals(-code).name}"
        else:
            how = f"the inference process left with code {code}"
        last_line = self._last_words.strip().rpartition("\n")[2]
        return f"{how}: {last_line}" if last_line else how


def _stage(stage: StageWork) -> dict[str, Any]:
    spec = stage.spec.model_dump(mode="json")
    return {"spec": spec, "weights": str(stage.weights), "checksum": stage.checksum}


def _resource(resource: ResourceWork) -> dict[str, Any]:
    known = {"id": str(resource.ref.id)}
    match resource.content:
        case Path() as path:
            return known | {"path": str(path)}
        case bytes() as content:
            return known | {"bytes": content}
        case failed:
            return known | {"failed": failed.model_dump(mode="json")}


def _environment() -> dict[str, str]:
    """What a model's runtime may need; no address, no secret."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in _ENVIRONMENT or name.startswith(_ENVIRONMENT_PREFIXES)
    }
