"""Tells whether a process that was noted down is still the same process: a number alone is not enough."""

from dataclasses import dataclass
from pathlib import Path

import psutil

#: The clock may be set in the moment between the two readings that a start is made of.
SAME_START_SECONDS = 1.5


@dataclass(frozen=True)
class Identity:
    """A process, told from a later one with the same number by the seconds from the machine's start to its own."""

    pid: int
    started: float

    @property
    def lives(self) -> bool:
        current = identify(self.pid)
        return current is not None and abs(current.started - self.started) < SAME_START_SECONDS


def identify(pid: int) -> Identity | None:
    """The process that runs under this number now; a dead one that nobody has collected yet does not count."""
    try:
        process = psutil.Process(pid)
        if process.status() in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}:
            return None
        # Both move when somebody sets the clock; their difference stays.
        return Identity(pid, round(process.create_time() - psutil.boot_time(), 2))
    except psutil.NoSuchProcess:
        return None


def start_of(pid: int) -> float:
    """Seconds from the machine's start to that of a process; 0 when it has ended."""
    identity = identify(pid)
    return identity.started if identity else 0.0


def boot() -> str:
    """A word that changes when the machine starts anew; start times are counted from there."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
