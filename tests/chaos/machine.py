"""One process of the storm: the command that an operator starts, what is odd about its machine, and its log."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.flow.stack import FAST, ROOT, children


@dataclass
class Machine:
    """What starts it, the process that runs now, and by how much its clock is wrong."""

    name: str
    service: str
    arguments: Sequence[str]
    folder: Path
    env: dict[str, str]
    url: str | None = None
    wrong_by: float = 0.0
    stands_in: tuple[str, ...] = ()
    """A module that stands between, and its argument."""
    running: subprocess.Popen[bytes] | None = None
    starts: int = 0
    started: float = 0.0
    lives: list[tuple[int, float]] = field(default_factory=list)
    """Of each start: where its log begins, and by how much its clock was wrong."""

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def start(self) -> None:
        odd = list(self.stands_in)
        if self.wrong_by:
            odd += ["tests.support.chaos_clock", str(self.wrong_by)]
        argv = [sys.executable, "-m", *odd, f"{self.service}.commands", *self.arguments]
        self.lives.append((self.heard(), self.wrong_by))
        self.starts += 1
        self.started = time.monotonic()
        with self.log.open("ab") as log:
            self.running = subprocess.Popen(argv, env=self.env, cwd=ROOT, stdout=log, stderr=log)

    def signal(self, number: int) -> bool:
        """Whether somebody was there to get it."""
        if not self.alive:
            return False
        assert self.running is not None
        os.kill(self.running.pid, number)
        return True

    def child(self) -> int | None:
        """A worker's inference process."""
        found = children(self) if self.alive else []
        return found[0] if found else None

    def stop(self) -> None:
        self.signal(signal.SIGCONT)
        if self.running is not None:
            self.running.terminate()
            try:
                self.running.wait(15)
            except subprocess.TimeoutExpired:
                self.running.kill()
                self.running.wait()

    def heard(self) -> int:
        """How much it has said so far."""
        return self.log.stat().st_size if self.log.exists() else 0

    def history(self) -> Iterator[tuple[float, dict[str, Any]]]:
        """Everything that it logged, and as what."""
        ends = [begins for begins, _ in self.lives[1:]] + [self.heard()]
        for (begins, wrong_by), end in zip(self.lives, ends, strict=True):
            for event in self.events(begins, end):
                yield wrong_by, event

    def events(self, since: int = 0, until: int | None = None) -> Iterator[dict[str, Any]]:
        """What it logged; a line that a kill cut short is left out."""
        if not self.log.exists():
            return
        with self.log.open("rb") as log:
            log.seek(since)
            for line in log.read(-1 if until is None else until - since).splitlines(keepends=True):
                if line.startswith(b"{") and line.endswith(b"}\n"):
                    yield json.loads(line)


def environment(prefix: str, **settings: str) -> dict[str, str]:
    """The present one without any setting of a service, with these, and with every interval at about 1/50."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("EXPERT_", "AI_"))}
    fast = {f"{prefix}INTERVALS__{name}": str(seconds) for name, seconds in FAST[prefix].items()}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**plain, **fast, **{f"{prefix}{name}": value for name, value in settings.items()}, "PYTHONPATH": path}
