"""Brings the stack up, or finds it up already."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from trapper_cli import status, supervise
from trapper_cli.errors import StackError
from trapper_cli.layout import Layout
from trapper_cli.settings import StackSettings
from trapper_cli.supervision import children, lock, state
from trapper_cli.supervision.state import StackState

DEFAULT_TIMEOUT = 120.0
#: The supervisor keeps the deadline itself; this is for what it needs to say so and to stop.
EXTRA = 60.0
LOOK_EVERY = 0.05


def up(
    settings: StackSettings,
    *,
    timeout: float = DEFAULT_TIMEOUT,
    only_servers: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> StackState:
    """Start the stack unless it runs; returns when everything is healthy, raises with the name of what is not."""
    layout = Layout(settings.state_dir)
    layout.make()
    process = None
    _wait_for_stop(layout)
    if not lock.is_held(layout.lock):
        process = _start_supervisor(settings, layout, timeout=timeout, only_servers=only_servers)
    try:
        return _wait(layout, process, timeout, tell)
    except KeyboardInterrupt:
        if process is not None:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(EXTRA)
        raise


def _wait_for_stop(layout: Layout) -> None:
    """A stack that is on its way down is waited for, and then started anew."""
    deadline = time.monotonic() + EXTRA
    while lock.is_held(layout.lock) and time.monotonic() < deadline:
        stack_state = state.read(layout.state)
        if stack_state is None or not stack_state.supervisor.lives or stack_state.phase in {"starting", "running"}:
            return
        time.sleep(LOOK_EVERY)


def _start_supervisor(
    settings: StackSettings, layout: Layout, *, timeout: float, only_servers: bool
) -> subprocess.Popen[bytes]:
    plan = {
        "state_dir": str(settings.state_dir),
        "root": str(settings.root),
        "ports": dict(settings.ports),
        "timeout": timeout,
        "only_servers": only_servers,
    }
    descriptor = os.open(layout.log("supervisor"), os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", supervise.__name__],
            stdin=subprocess.PIPE,
            stdout=descriptor,
            stderr=descriptor,
            cwd=settings.root,
            env=dict(settings.environment),
            start_new_session=True,
        )
    finally:
        os.close(descriptor)
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(plan).encode())
            process.stdin.close()
    return process


def _wait(
    layout: Layout, process: subprocess.Popen[bytes] | None, timeout: float, tell: Callable[[str], None]
) -> StackState:
    deadline = time.monotonic() + timeout + EXTRA
    step = ""
    while time.monotonic() < deadline:
        stack_state = state.read(layout.state)
        if stack_state is not None and (
            stack_state.supervisor.lives or (process and stack_state.supervisor.pid == process.pid)
        ):
            if stack_state.step and stack_state.step != step:
                step = stack_state.step
                tell(step)
            if stack_state.phase == "running" and status.all_healthy(stack_state):
                return stack_state
            if stack_state.phase == "failed":
                _collect(process)
                raise StackError(stack_state.failure.get("message", ""), hint=stack_state.failure.get("hint", ""))
        _look_for_end(layout, process, stack_state)
        time.sleep(LOOK_EVERY)
    raise StackError(
        f"The stack was not healthy within {timeout:.0f} seconds; `trapper status` says what is missing.",
        hint=f"The logs are in {layout.logs}.",
    )


def _look_for_end(layout: Layout, process: subprocess.Popen[bytes] | None, stack_state: StackState | None) -> None:
    """Raise when nobody is left who could bring the stack up."""
    if process is None:
        if not lock.is_held(layout.lock) and (stack_state is None or not stack_state.supervisor.lives):
            raise StackError("The stack was stopped before it was healthy.", hint="Run `trapper up` again.")
        return
    code = process.poll()
    if code in {None, supervise.SOMEBODY_ELSE_HAS_THE_LOCK}:
        return
    last = state.read(layout.state)
    if last is not None and last.supervisor.pid == process.pid and last.phase == "failed":
        return  # it said why; the next look finds it
    if code == 0:
        raise StackError("The stack was stopped while it was starting.", hint="Run `trapper up` again.")
    words = children.tail(layout.log("supervisor"), 5)
    raise StackError(f"The supervisor ended with code {code}.", hint=f"Its last lines:\n{words}")


def _collect(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(EXTRA)
