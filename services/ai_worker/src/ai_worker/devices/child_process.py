"""One inference process: start, concurrent requests, and how it ended."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ai_worker.devices import pipes
from ai_worker.devices.work import CannotRun, ChildSettings, InferenceDied

_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
_ENVIRONMENT_PREFIXES = ("CUDA_", "NVIDIA_", "ORT_", "OMP_", "HAILO_", "HIP_", "ROCR_", "HSA_")
_FIXED = {
    "CUDA_DEVICE_ORDER": "PCI_BUS_ID",  # so that cuda:1 is what nvidia-smi calls 1, also where the cards differ
    "OPENBLAS_NUM_THREADS": "1",  # it would start threads when numpy is imported, before the process is confined
    "PYTHONDONTWRITEBYTECODE": "1",
}
_STDERR_KEPT = 2000
_GONE = (pipes.PipeBroken, OSError, asyncio.IncompleteReadError)


class DiedWithOthers(InferenceDied):
    """The process died with more than one batch in it, so it is unknown which one caused it."""


@dataclass(slots=True)
class _Question:
    """A request that waits for its answer."""

    answer: asyncio.Future[dict[str, Any]]
    on_progress: Callable[[int], None] | None


@dataclass
class ChildProcess:
    """A running process; `ask` raises InferenceDied once it has ended."""

    process: asyncio.subprocess.Process
    loaded: tuple[str, ...] = ()
    confinement: dict[str, Any] = field(default_factory=dict[str, Any])
    """What holds the process in, by subject; what the system cannot enforce is left out."""
    answered: int = 0
    """Batches that it has looked at."""
    _pending: dict[int, _Question] = field(default_factory=dict[int, _Question])
    _questions: int = 0
    _guilty: int | None = None
    """The question for whose sake the process is ended."""
    _ended: bool = False
    _last_words: str = ""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    @classmethod
    async def start(cls, settings: ChildSettings) -> "ChildProcess":
        """Returns a ready process; InferenceDied when it does not start, CannotRun when it declines."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ai_worker.devices.child",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C at the terminal is the parent's to handle
        )
        started = cls(process)
        started._tasks = [asyncio.create_task(started._listen()), asyncio.create_task(started._read_answers())]
        ready = False
        try:
            async with asyncio.timeout(settings.start_seconds):
                answer = await started.ask({"kind": "settings", "settings": asdict(settings)})
            started.confinement = answer["confinement"]
            ready = True
        except (TimeoutError, InferenceDied) as problem:
            words = str(problem) or f"it was not ready within {settings.start_seconds:g} s"
            raise InferenceDied(f"the inference process did not start: {words}") from problem
        finally:
            if not ready:
                await started.stop()
        return started

    @property
    def lives(self) -> bool:
        """Whether requests are possible."""
        return self.process.returncode is None and not self._ended and not self._tasks[1].done()

    async def ask(
        self, message: dict[str, Any], *, on_progress: Callable[[int], None] | None = None, seconds: float | None = None
    ) -> dict[str, Any]:
        """Returns the answer; a timeout or a cancelled request ends the process, because it cannot be interrupted."""
        number = self._questions = self._questions + 1
        question = _Question(asyncio.get_running_loop().create_future(), on_progress)
        self._pending[number] = question
        answered = False
        try:
            async with asyncio.timeout(seconds):
                await self._write({**message, "question": number})
                answer = await question.answer
            answered = True
        except TimeoutError as problem:
            raise InferenceDied(f"no answer within {seconds:g} s") from problem
        finally:
            if not answered and self.process.returncode is None:
                self._guilty = number if self._guilty is None else self._guilty
                self.kill()
            if answered or self._guilty != number:  # it stays among the asked until the others have heard
                self._pending.pop(number, None)
        if answer["kind"] == "declined":
            raise CannotRun(answer["reason"], answer["message"])
        return answer

    def kill(self) -> None:
        """Kills the process at once."""
        self._ended = True
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()

    async def stop(self) -> None:
        """Ends the process after a moment to leave by itself."""
        if self.process.returncode is None:
            assert self.process.stdin is not None  # noqa: S101 - made with a pipe
            self.process.stdin.close()  # the child leaves when its input ends
            try:
                await asyncio.wait_for(self.process.wait(), timeout=5)
            except TimeoutError:
                self.kill()
                await self.process.wait()
            except asyncio.CancelledError:
                self.kill()
                raise
        await asyncio.gather(*self._tasks)

    async def _write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None  # noqa: S101 - made with a pipe
        with contextlib.suppress(OSError):  # how it ended is told by whoever reads
            self.process.stdin.write(pipes.pack(message))
            await self.process.stdin.drain()

    async def _read_answers(self) -> None:
        try:
            while True:
                self._hear(await self._read())
        except _GONE:
            pass
        words = await self._obituary()
        shared = len(self._pending) > 1 or self._guilty is not None
        for question in self._pending.values():
            if not question.answer.done():
                question.answer.set_exception((DiedWithOthers if shared else InferenceDied)(words))
                question.answer.exception()  # whoever is gone does not fetch it

    def _hear(self, answer: dict[str, Any]) -> None:
        question = self._pending.get(answer.pop("question"))
        if question is None:
            return
        if answer["kind"] == "progress":
            if question.on_progress is not None:
                question.on_progress(answer["done"])
        elif not question.answer.done():
            question.answer.set_result(answer)

    async def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None  # noqa: S101 - made with a pipe
        header = await self.process.stdout.readexactly(pipes.HEADER.size)
        return pipes.unpack(await self.process.stdout.readexactly(pipes.length_of(header)))

    async def _listen(self) -> None:
        assert self.process.stderr is not None  # noqa: S101 - made with a pipe
        while part := await self.process.stderr.read(4096):
            self._last_words = (self._last_words + part.decode("utf-8", "replace"))[-_STDERR_KEPT:]

    async def _obituary(self) -> str:
        try:
            code = await asyncio.wait_for(self.process.wait(), timeout=2)
        except TimeoutError:
            self.kill()  # nobody reads what it says any more
            return "the inference process closed its pipe"
        if code < 0:
            how = f"the inference process was ended by {signal.Signals(-code).name}"
        else:
            how = f"the inference process left with code {code}"
        last_line = self._last_words.strip().rpartition("\n")[2]
        return f"{how}: {last_line}" if last_line else how


def _environment() -> dict[str, str]:
    """Returns the environment of the process: what a runtime may need, no address and no secret."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _ENVIRONMENT or name.startswith(_ENVIRONMENT_PREFIXES)
    }
    return kept | _FIXED
