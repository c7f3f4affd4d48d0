"""A task process whose part is killed from the inside; arguments: the way, and the database's address."""

import asyncio
import sys
import time
from collections.abc import Coroutine
from typing import Any

from tests.support.background import background_work
from trapper_kit.broker import TaskBook
from trapper_kit.db import Database
from trapper_kit.logs import configure
from trapper_kit.parts import run_process
from trapper_kit.task_process import TaskProcess


async def raises(error: BaseException) -> None:
    await asyncio.sleep(0.1)
    raise error


async def exits_in_a_child() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(raises(SystemExit(0)))


async def cancels_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(1)


async def fails_and_hangs() -> None:
    """A thread that cannot be ended: the process leaves without it."""
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 600)
    await raises(RuntimeError("broken"))


WAYS: dict[str, Any] = {
    "exception": lambda: raises(RuntimeError("broken")),
    "base exception": lambda: raises(GeneratorExit()),
    "exit": exits_in_a_child,
    "cancelled": cancels_itself,
    "returned": lambda: asyncio.sleep(0.1),
    "hangs": fails_and_hangs,
}


async def main(part: Coroutine[Any, Any, None], url: str) -> bool:
    database = Database.connect(url)
    try:
        process = TaskProcess(TaskBook(), background_work(database), service="failing", namespace="failing")
        return await process.run({"broken": part}, leave_seconds=2.0)
    finally:
        await database.close()


if __name__ == "__main__":
    configure("failing", "INFO")
    sys.exit(run_process(main(WAYS[sys.argv[1]](), sys.argv[2])))
