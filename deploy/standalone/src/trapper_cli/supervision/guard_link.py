"""The supervisor's side of the guard: starts it, tells it every process group, starts it again when it dies."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from trapper_cli.supervision import guard

NAME = "supervisor-guard"


class GuardLink:
    """What must not survive the supervisor."""

    def __init__(self, log_file: Path, *, grace: float = guard.GRACE) -> None:
        self._log_file = log_file
        self._grace = grace
        self._groups: dict[int, tuple[int, int]] = {}
        self.process = self._start()

    def add(self, pid: int, first_signal: int, stage: int) -> None:
        self._groups[pid] = (int(first_signal), stage)
        self._say(f"+ {pid} {int(first_signal)} {stage}")

    def remove(self, pid: int) -> None:
        if self._groups.pop(pid, None) is not None:
            self._say(f"- {pid}")

    def look(self) -> bool:
        """Start it again when somebody ended it; whether that was needed."""
        if self.process.poll() is None:
            return False
        self.process = self._start()
        for pid, (first, stage) in self._groups.items():
            self._say(f"+ {pid} {first} {stage}")
        return True

    def close(self) -> None:
        """End it; what is still in its list is stopped."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(guard.GRACE + guard.KILLED_WITHIN + 2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _say(self, line: str) -> None:
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.write(line.encode() + b"\n")
                self.process.stdin.flush()

    def _start(self) -> subprocess.Popen[bytes]:
        descriptor = os.open(self._log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603  our own script; -I -S: nothing but the standard library
                [sys.executable, "-I", "-S", guard.__file__, str(self._grace)],
                stdin=subprocess.PIPE,
                stdout=descriptor,
                stderr=descriptor,
                cwd="/",
                env={"LANG": "C.UTF-8"},
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
