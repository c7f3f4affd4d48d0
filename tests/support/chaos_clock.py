"""Starts a service's command on a machine whose clock is wrong: `... chaos_clock SECONDS MODULE ARGUMENTS`.

The code of the service is untouched: the one way in which it asks for the time of day, and the library's own, answer
so many seconds too much (or too little). Clocks that only count on are right on every machine, and stay so here.
"""

import runpy
import sys
import time
from datetime import UTC, datetime, timedelta

from trapper_kit.clock import Clock

_time, _time_ns = time.time, time.time_ns


def shift(seconds: float) -> None:
    """Every clock of this process is wrong from now on."""
    wrong_by = timedelta(seconds=seconds)

    def now(self: Clock) -> datetime:
        return datetime.now(UTC) + wrong_by

    Clock.now = now
    time.time = lambda: _time() + seconds
    time.time_ns = lambda: _time_ns() + int(seconds * 1e9)


if __name__ == "__main__":
    wrong, module, *arguments = sys.argv[1:]
    shift(float(wrong))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
