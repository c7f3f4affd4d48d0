"""Runs a command to its end while the supervisor keeps looking after everything else."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trapper_cli import children
from trapper_cli.children import Launch
from trapper_cli.errors import StackError
from trapper_cli.guard_link import GuardLink

STAGE = 9
LONGEST = 300.0
LOOK_EVERY = 0.1


class Stopped(StackError):  # noqa: N818 - named after what is the case
    """Somebody asked the stack to stop while it was starting."""


class OneOff:
    """Commands of the services; what they print may be a secret and is never written down."""

    def __init__(
        self, *, guard: GuardLink, log_file: Path, cwd: Path, look: Callable[[], None], stopped: Callable[[], bool]
    ) -> None:
        self._guard = guard
        self._log_file = log_file
        self._cwd = cwd
        self._look = look
        self._stopped = stopped

    def python(self, *arguments: str, env: Mapping[str, str], stdin: str | None = None) -> str:
        """Run `python ARGUMENTS`; its standard output."""
        return self._run([sys.executable, *arguments], env, stdin)

    def answer(self, *arguments: str, env: Mapping[str, str], stdin: str | None = None) -> dict[str, Any]:
        """The JSON object with which the command's output ends."""
        text = self.python(*arguments, env=env, stdin=stdin)
        try:
            document = json.loads(text[text.index("{") :])
        except ValueError:
            raise StackError(f"`{_shown(arguments)}` did not answer with a JSON object.") from None
        return document

    def _run(self, argv: Sequence[str], env: Mapping[str, str], stdin: str | None) -> str:
        begin = self._log_file.stat().st_size if self._log_file.exists() else 0
        process = children.start(
            Launch(
                argv=argv,
                env=env,
                log_file=self._log_file,
                stdin=None if stdin is None else stdin.encode(),
                cwd=self._cwd,
                captured=True,
            )
        )
        self._guard.add(process.pid, signal.SIGTERM, STAGE)
        try:
            output = self._wait(process, argv)
        finally:
            if process.poll() is None:
                children.stop(process, first=signal.SIGTERM, grace=5)
            self._guard.remove(process.pid)
        if process.returncode:
            words = children.tail(self._log_file, start_at=begin)
            raise StackError(
                f"`{_shown(argv[1:])}` failed with code {process.returncode}.",
                hint=f"Its last lines, in {self._log_file}:\n{words}",
            )
        return output

    def _wait(self, process: subprocess.Popen[bytes], argv: Sequence[str]) -> str:
        for _ in range(int(LONGEST / LOOK_EVERY)):
            try:
                return process.communicate(timeout=LOOK_EVERY)[0].decode(errors="replace")
            except subprocess.TimeoutExpired:
                self._look()
            if self._stopped():
                raise Stopped("The start was interrupted.")
        raise StackError(f"`{_shown(argv[1:])}` did not end within {LONGEST:.0f} seconds.")


def _shown(arguments: Sequence[str]) -> str:
    return " ".join(argument for argument in arguments if argument != "-m")
