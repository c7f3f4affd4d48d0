"""The processes of this machine."""

import subprocess
import time
from collections.abc import Callable

from trapper_cli.supervision import alive


def living(words: str) -> list[str]:
    """The command lines with these words, without those that are dead and not yet collected."""
    shown = subprocess.run(["ps", "-eo", "pid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=2) for line in shown.splitlines()]
    return [row[2] for row in rows if len(row) == 3 and not row[1].startswith("Z") and words in row[2]]


def is_alive(pid: int) -> bool:
    return alive.identify(pid) is not None


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
