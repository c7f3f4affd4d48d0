"""Outlives the supervisor by a moment: when its pipe ends, it stops every process group that it was told of.

Run as a plain script with nothing but the standard library; `+ PID SIGNAL STAGE` adds a group, `- PID` removes it.
"""

import os
import signal
import sys
import time
from contextlib import suppress

GRACE = 5.0
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


def signal_group(group: int, number: int) -> bool:
    """Whether there was still somebody."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says this of a group of zombies
        return False
    return True


def stop(groups: dict[int, tuple[int, int]]) -> None:
    """Ask the leaders, the last started first; then end the groups."""
    for pid, (first, _) in sorted(groups.items(), key=lambda entry: -entry[1][1]):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, first)
    deadline = time.monotonic() + GRACE
    left = list(groups)
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [group for group in left if signal_group(group, 0)]
    deadline = time.monotonic() + KILLED_WITHIN
    while left and time.monotonic() < deadline:
        left = [group for group in left if signal_group(group, signal.SIGKILL)]
        time.sleep(0.05)


def main() -> None:
    """Until the supervisor is gone."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop(read_groups())


if __name__ == "__main__":
    main()
