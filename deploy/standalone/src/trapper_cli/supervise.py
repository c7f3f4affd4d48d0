"""The process of the supervisor: `python -m trapper_cli.supervise`, with its order on standard input."""

import json
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from trapper_cli.errors import StackError
from trapper_cli.layout import Layout
from trapper_cli.settings import StackSettings
from trapper_cli.stack import Stack, log
from trapper_cli.supervision import lock
from trapper_cli.supervision.run_command import Stopped

SOMEBODY_ELSE_HAS_THE_LOCK = 3


class StopRequest:
    """Set by a signal, looked at by everything that waits."""

    def __init__(self) -> None:
        self._requested = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def __call__(self) -> bool:
        return self._requested

    def _ask(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  what a handler is given
        self._requested = True


def main() -> int:
    """Start, watch, stop; 0 when it was asked to stop, 1 when the start failed."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop_request = StopRequest()
    plan = json.load(sys.stdin)
    settings = StackSettings(Path(plan["state_dir"]), Path(plan["root"]), plan["ports"], dict(os.environ))
    descriptor = lock.hold(Layout(settings.state_dir).lock)
    if descriptor is None:
        return SOMEBODY_ELSE_HAS_THE_LOCK
    stack = Stack(settings, lock_descriptor=descriptor, seconds=plan["timeout"], stopped=stop_request)
    try:
        stack.start(only_servers=plan["only_servers"])
    except Stopped:
        stack.stop()
        return 0
    except (StackError, OSError) as problem:
        failure = problem if isinstance(problem, StackError) else StackError(f"{problem}.")
        log.error("%s", failure)
        stack.stop(failure)
        return 1
    except Exception as problem:  # noqa: BLE001 - logged with its traceback, and the process leaves non-zero
        log.exception("the supervisor failed while it started the stack")
        stack.stop(StackError(f"The supervisor failed: {type(problem).__name__}: {problem}."))
        return 1
    try:
        stack.watch()
    except Exception as problem:  # noqa: BLE001 - logged with its traceback, and the process leaves non-zero
        log.exception("the supervisor failed; the stack is stopped")
        stack.stop(StackError(f"The supervisor failed: {type(problem).__name__}: {problem}."))
        return 1
    stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
