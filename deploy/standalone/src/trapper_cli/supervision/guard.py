"""Outlives the supervisor by a moment: when its pipe ends, it stops every process group that it was told of.

Run as a plain script with nothing but the standard library; `+ PID SIGNAL STAGE` adds a group, `- PID` removes it.
Its one argument: for how many seconds groups may end by themselves.
"""

import os
import signal
import sys
import time
from contextlib import suppress

GRACE = 5.0
#: For whoever waits for the guard.
KILLED_WITHIN = 2.0


def read_groups() -> dict[int, tuple[int, int]]:
    """Until the pipe ends: which groups there are, with their first signal and stage."""
    groups: dict[int, tuple[int, int]] = {}
    for line in sys.stdin:
        match line.split():
            case ["+", pid, first, stage]:
                groups[int(pid)] = (int(first), int(stage))
            case ["-", pid]:
                groups.pop(int(pid), None)
            case _:
                pass
    return groups


def is_gone(pid: int) -> bool:
    """Whether a leader ended; one that nobody has collected yet did."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123  imports cost time
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return False


def kill_group(group: int) -> None:
    """End whoever is still in a group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def stop(groups: dict[int, tuple[int, int]], grace: float) -> None:
    """Ask the leaders, the last started first; then end the groups."""
    for pid, (first, _) in sorted(groups.items(), key=lambda entry: -entry[1][1]):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, first)
    deadline = time.monotonic() + grace
    left = set(groups)
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        for group in [group for group in left if is_gone(group)]:
            kill_group(group)  # children that the leader did not take along
            left.discard(group)
    for group in left:
        kill_group(group)


def main() -> None:
    """Until the supervisor is gone."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop(read_groups(), float(sys.argv[1]))


if __name__ == "__main__":
    main()
