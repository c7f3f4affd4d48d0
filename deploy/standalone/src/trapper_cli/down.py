"""Takes the stack down, whoever started it and however much of it is left."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from trapper_cli.errors import StackError
from trapper_cli.layout import Layout
from trapper_cli.supervision import guard, leftovers, lock, state

PATIENCE = 60.0


def down(state_dir: Path) -> bool:
    """Stop everything and wait for it; whether there was anything to stop."""
    layout = Layout(state_dir)
    if not layout.run.is_dir():
        return False
    found = state.read(layout.state)
    was_up = lock.is_held(layout.lock)
    if was_up:
        _stop_supervisor(layout)
    return bool(leftovers.end(found)) or was_up


def _stop_supervisor(layout: Layout) -> None:
    deadline = time.monotonic() + PATIENCE
    signalled_pid: int | None = None
    while lock.is_held(layout.lock):
        found = state.read(layout.state)
        if found is not None and found.supervisor.lives and found.supervisor.pid not in {signalled_pid, None}:
            signalled_pid = found.supervisor.pid
            with suppress(ProcessLookupError):
                os.kill(signalled_pid or 0, signal.SIGTERM)
        if time.monotonic() > deadline:
            if found is None or found.supervisor.pid is None:
                raise StackError(f"Something holds {layout.lock}, and {layout.state} does not say what.")
            with suppress(ProcessLookupError):
                os.kill(found.supervisor.pid, signal.SIGKILL)
            time.sleep(guard.GRACE + guard.KILLED_WITHIN)
            return
        time.sleep(0.05)
