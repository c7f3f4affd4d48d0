"""Tells whether a process that was noted down is still the same process: a number alone is not enough."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """A process, told from a later one with the same number by the time at which it started."""

    pid: int
    started: str

    @property
    def lives(self) -> bool:
        return identify(self.pid) == self


def identify(pid: int) -> Identity | None:
    """Who runs under this number now; a dead process that nobody has collected yet does not count."""
    if sys.platform == "linux":
        fields = _proc_stat(pid)
        return None if fields is None or fields[0] in "ZX" else Identity(pid, fields[19])
    shown = _ps(pid, "stat=,lstart=").split(maxsplit=1)
    return None if not shown or shown[0].startswith("Z") else Identity(pid, shown[-1])


def command_of(pid: int) -> str:
    """The program that runs under a number, or nothing."""
    if sys.platform != "linux":
        return _ps(pid, "comm=")
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def boot() -> str:
    """A word that changes when the machine starts anew; start times are counted from there."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _proc_stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()  # the name before it may hold spaces and brackets


def _ps(pid: int, columns: str) -> str:
    shown = subprocess.run(  # noqa: S603  the same words on every system without /proc
        ["ps", "-o", columns, "-p", str(pid)],  # noqa: S607  wherever the system has it
        capture_output=True,
        check=False,
    )
    return shown.stdout.decode(errors="replace").strip()
