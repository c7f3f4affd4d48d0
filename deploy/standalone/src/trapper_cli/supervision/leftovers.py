"""Ends what an earlier supervisor left behind, when neither it nor its guard could."""

import os
import signal
import time
from contextlib import suppress

from trapper_cli.supervision import children
from trapper_cli.supervision.state import StackState

PATIENCE = 8.0


def end(state: StackState | None) -> list[str]:
    """Stop every process that is noted there and still is the same process; their names."""
    if state is None:
        return []
    # The guard comes last of all: while it lives it is doing the same work.
    left = [process for process in state.processes if process.lives]
    names = [process.name for process in left]
    for process in left:
        if process.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGINT if process.name == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while any(process.lives for process in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in left:
        if process.pid is not None and process.lives:
            children.kill_group(process.pid)
    return names
