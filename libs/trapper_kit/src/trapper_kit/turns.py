"""Runs one turn of a loop in its own task, so that no error inside can end the loop."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_CANCEL_AGAIN_SECONDS = 1.0
"""Between two cancellations of a turn that took the first one for an error of its own."""


class TurnFailed(RuntimeError):  # noqa: N818 - named after what is the case
    """A turn ended with something that is no `Exception`, such as a cancellation or an exit."""


async def run_turn(turn: Coroutine[Any, Any, T]) -> T:
    """Returns the turn's result; whatever it raises is raised as an `Exception`.

    Only a cancellation of the caller is raised as `CancelledError`. The turn cannot be taken for it: a library may
    cancel the turn's task, swallow its cancellation, or leave `Task.cancelling()` raised, as a `TaskGroup` of Python
    3.11 and 3.12 does after a failed child.
    """
    task = asyncio.ensure_future(_without_exit(turn))
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_CANCEL_AGAIN_SECONDS)
        turn.close()  # it may never have begun
        if not task.cancelled():
            task.exception()  # marks it as seen: the caller's cancellation is what is raised
        raise
    try:
        return task.result()
    except Exception:
        raise
    except BaseException as error:
        raise TurnFailed(f"the turn ended with {type(error).__name__}") from error


async def _without_exit(turn: Coroutine[Any, Any, T]) -> T:
    """Keeps SystemExit of a turn from ending the process, as the event loop would let it."""
    try:
        return await turn
    except SystemExit as error:
        raise TurnFailed(f"the turn called for an exit with {error.code!r}") from error
