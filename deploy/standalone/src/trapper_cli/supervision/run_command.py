"""Runs a command to its end while the supervisor keeps looking after everything else."""

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from trapper_cli.errors import StackError
from trapper_cli.supervision import children
from trapper_cli.supervision.children import Launch
from trapper_cli.supervision.guard_link import GuardLink

STAGE = 9
LONGEST = 300.0
LOOK_EVERY = 0.03


class Stopped(StackError):  # noqa: N818 - named after what is the case
    """Somebody asked the stack to stop while it was starting."""


class CommandRunner:
    """Commands of the services; what they print may be a secret and is never written down."""

    def __init__(
        self, *, guard: GuardLink, log_file: Path, cwd: Path, look: Callable[[], None], stopped: Callable[[], bool]
    ) -> None:
        self._guard = guard
        self._log_file = log_file
        self._cwd = cwd
        self._look = look
        self._stopped = stopped

    async def python(self, *arguments: str, env: Mapping[str, str], stdin: str | None = None) -> str:
        """Run `python ARGUMENTS`; its standard output."""
        with tempfile.TemporaryFile(dir=self._log_file.parent) as output:  # it has no name, so nobody else can read it
            await self._run([sys.executable, *arguments], env, stdin, output.fileno())
            output.seek(0)
            return output.read().decode(errors="replace")

    async def answer(self, *arguments: str, env: Mapping[str, str], stdin: str | None = None) -> dict[str, Any]:
        """The JSON object with which the command's output ends."""
        text = await self.python(*arguments, env=env, stdin=stdin)
        try:
            document = json.loads(text[text.index("{") :])
        except ValueError:
            raise StackError(f"`{_shown(arguments)}` did not answer with a JSON object.") from None
        return document

    async def _run(self, argv: Sequence[str], env: Mapping[str, str], stdin: str | None, output: int) -> None:
        log_file = self._log_file.with_stem(f"{self._log_file.stem}-{_name(argv)}")
        begin = log_file.stat().st_size if log_file.exists() else 0
        process = children.start(
            Launch(
                argv=argv,
                env=env,
                log_file=log_file,
                stdin=None if stdin is None else stdin.encode(),
                cwd=self._cwd,
                output=output,
            )
        )
        self._guard.add(process.pid, signal.SIGTERM, STAGE)
        try:
            await self._wait(process, argv)
        finally:
            if process.poll() is None:
                children.stop(process, first=signal.SIGTERM, grace=5)
            self._guard.remove(process.pid)
        if process.returncode:
            words = children.tail(log_file, start_at=begin)
            raise StackError(
                f"`{_shown(argv[1:])}` failed with code {process.returncode}.",
                hint=f"Its last lines, in {log_file}:\n{words}",
            )

    async def _wait(self, process: subprocess.Popen[bytes], argv: Sequence[str]) -> None:
        deadline = time.monotonic() + LONGEST
        while process.poll() is None:
            if self._stopped():
                raise Stopped("The start was interrupted.")
            if time.monotonic() > deadline:
                raise StackError(f"`{_shown(argv[1:])}` did not end within {LONGEST:.0f} seconds.")
            self._look()
            await asyncio.sleep(LOOK_EVERY)


async def run_lanes(*lanes: Coroutine[Any, Any, None]) -> None:
    """Run lanes at the same time; the first that fails ends the others, and its error is the one that is told."""
    try:
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(lane)
    except BaseExceptionGroup as failed:
        stack_errors = failed.subgroup(StackError)
        first = stack_errors.exceptions[0] if stack_errors else None
        raise first if isinstance(first, StackError) else failed from None


def _name(argv: Sequence[str]) -> str:
    """Which log: that of the service whose command it is, or of the migration's service."""
    return next((word.removesuffix(".commands") for word in argv if word.endswith(".commands")), argv[-1])


def _shown(arguments: Sequence[str]) -> str:
    return " ".join(argument for argument in arguments if argument != "-m")
