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
    stack_state = state.read(layout.state)
    was_up = lock.is_held(layout.lock)
    if was_up:
        _stop_supervisor(layout)
    return bool(leftovers.end(stack_state)) or was_up


def _stop_supervisor(layout: Layout) -> None:
    deadline = time.monotonic() + PATIENCE
    signalled_pid: int | None = None
    while lock.is_held(layout.lock):
        stack_state = state.read(layout.state)
        if (
            stack_state is not None
            and stack_state.supervisor.lives
            and stack_state.supervisor.pid not in {signalled_pid, None}
        ):
            signalled_pid = stack_state.supervisor.pid
            with suppress(ProcessLookupError):
                os.kill(signalled_pid or 0, signal.SIGTERM)
        if time.monotonic() > deadline:
            if stack_state is None or stack_state.supervisor.pid is None:
                raise StackError(
                    f"Another process holds {layout.lock}, and {layout.state} does not name it.",
                    hint=f"Find it with `fuser {layout.lock}` and stop it.",
                )
            with suppress(ProcessLookupError):
                os.kill(stack_state.supervisor.pid, signal.SIGKILL)
            time.sleep(guard.GRACE + guard.KILLED_WITHIN)
            return
        time.sleep(0.05)
