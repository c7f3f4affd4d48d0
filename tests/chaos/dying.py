"""Processes that run one of the Manager's sweeps and kill themselves at its n-th step, forked so that many die quickly.

`python -m tests.chaos.dying [statements]`: for each line `SWEEP STEP` on standard input one of them begins, and dies at
this step (at 0: at none). The line that answers says by which signal it ended, or after how many steps. A step is a
transaction that begins or is committed, bytes that are touched, a message that is sent; with `statements` a statement,
too.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from ai_manager.deps import Work
from ai_manager.jobs import compact, plan
from ai_manager.results import delete_blobs
from ai_manager.settings import Settings
from ai_manager.tasks import BOOK

BROKEN = 255
_TOUCHED = ("put", "delete", "read", "size")


class Steps:
    """Counts, and kills at the one that was asked for."""

    def __init__(self, last: int) -> None:
        self.last, self.taken = last, 0

    def __call__(self, *_: object, **__: object) -> None:
        self.taken += 1
        if self.taken == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(self, do: Callable[..., Any]) -> Callable[..., Any]:
        """The same, one step later."""

        async def counted(*arguments: Any, **named: Any) -> Any:
            self()
            return await do(*arguments, **named)

        return counted


async def sweep(name: str, step: int, *, statements: bool) -> int:
    """Once, as the process that sweeps does it; how many steps it took."""
    work = Work.open(Settings())  # type: ignore[call-arg]  # from the environment
    work.began -= 3600
    steps = Steps(step)
    for what in ("begin", "commit", *(["before_cursor_execute"] if statements else [])):
        event.listen(work.database.engine.sync_engine, what, steps)
    for what in _TOUCHED:
        setattr(work.blobs, what, steps.before(getattr(work.blobs, what)))
    send = work.database.task_sender
    work.database.task_sender = lambda messages: (steps(), send(messages))[1]
    await BOOK.tasks[name].run(work)
    await work.close()
    return steps.taken


def _forked(name: str, step: int, *, statements: bool) -> int:
    pid = os.fork()
    if pid == 0:
        status = BROKEN
        try:
            status = min(BROKEN - 1, asyncio.run(sweep(name, step, statements=statements)))
        finally:
            os._exit(status)
    return pid


def main() -> None:
    statements = "statements" in sys.argv
    compact.AT_ONCE, plan.AT_ONCE, delete_blobs.AT_ONCE = 1, 2, 1  # so that little work takes several transactions
    for line in sys.stdin:
        name, step = line.split()
        _, status = os.waitpid(_forked(name, int(step), statements=statements), 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
