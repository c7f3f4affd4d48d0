"""Runs the long-lived parts of a process together: when one ends unexpectedly, it is logged and the process leaves."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

from trapper_kit.logs import log
from trapper_kit.turns import TurnFailed, run_turn

LEAVE_SECONDS = 20.0
"""After a part ended, the process has so long to close what it holds; then it is ended whatever hangs."""
EXIT_FAILED = 1


class PartEnded(RuntimeError):  # noqa: N818 - named after what is the case
    """A part of the process ended without a request to stop."""


async def run_parts(
    parts: Mapping[str, Coroutine[Any, Any, None]], stopping: asyncio.Event, *, leave_seconds: float | None = None
) -> bool:
    """Runs the parts until `stopping` is set, then cancels them; False when one of them ended before.

    That one is logged as `part.ended` with its traceback, and the others are cancelled. With `leave_seconds` the
    process is ended with code 1 after so long, also when a thread or a connection cannot be closed.
    """
    tasks = {name: asyncio.create_task(run_turn(part), name=name) for name, part in parts.items()}
    stop_requested = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait({stop_requested, *tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
        ended = {} if stopping.is_set() else {name: task for name, task in tasks.items() if task.done()}
        for name, task in ended.items():
            error = TurnFailed("cancelled") if task.cancelled() else task.exception()
            log("part.ended", level=logging.ERROR, part=name, error=error or PartEnded(f"{name} returned"))
        if ended and leave_seconds is not None:
            _leave_after(leave_seconds)
        return not ended
    finally:
        for task in (stop_requested, *tasks.values()):
            task.cancel()
        await asyncio.gather(stop_requested, *tasks.values(), return_exceptions=True)
        for part in parts.values():
            part.close()  # it may never have begun


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Set the event at SIGTERM and SIGINT."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)


def run_process(main: Coroutine[Any, Any, bool]) -> int:
    """Returns the exit code: 0 when the process was asked to stop, else 1.

    An error leaves within `LEAVE_SECONDS`, also when something that it interrupted cannot be closed.
    """
    with asyncio.Runner() as runner:
        try:
            return 0 if runner.run(main) else EXIT_FAILED
        except SystemExit as error:  # from a task that nobody awaited; its code may be 0
            _leave_after(LEAVE_SECONDS)
            with suppress(Exception):
                log("process.ended", level=logging.ERROR, error=error)
            return EXIT_FAILED
        except BaseException:
            _leave_after(LEAVE_SECONDS)
            raise


def _leave_after(seconds: float) -> None:
    timer = threading.Timer(seconds, os._exit, (EXIT_FAILED,))
    timer.daemon = True
    timer.start()
