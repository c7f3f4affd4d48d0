"""Ends what an earlier supervisor left behind, when neither it nor its guard could."""

import signal
from contextlib import suppress

import psutil

from trapper_cli.supervision import children
from trapper_cli.supervision.state import StackState

PATIENCE = 8.0


def end(state: StackState | None) -> list[str]:
    """Stop every process that is noted there and still is the same process; their names."""
    names: list[str] = []
    stopping: list[psutil.Process] = []
    # The guard comes last of all: while it lives it is doing the same work.
    for noted in state.processes if state else []:
        if not noted.lives:
            continue
        names.append(noted.name)
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(noted.pid)
            process.send_signal(signal.SIGINT if noted.name == "postgres" else signal.SIGTERM)
            stopping.append(process)
    for process in psutil.wait_procs(stopping, timeout=PATIENCE)[1]:
        children.kill_group(process.pid)
    return names
