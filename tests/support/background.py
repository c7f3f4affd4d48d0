"""A task process to test: its work, its settings at 1/50, and ways to run and end it."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from trapper_kit import settings as kit
from trapper_kit.broker import TaskBook
from trapper_kit.db import Database
from trapper_kit.task_process import TaskProcess
from trapper_kit.work import Work


class Settings(kit.BackgroundSettings):
    """Intervals at 1/50, the page on any free port."""

    intervals: kit.Intervals = Field(default_factory=lambda: kit.Intervals().scaled(0.02))
    tasks_address: str | None = "127.0.0.1:0"


@dataclass
class BackgroundWork(Work[Settings]):
    """What the tasks of a test are given."""

    seen: list[Any] = field(default_factory=list[Any])
    happened: asyncio.Event = field(default_factory=asyncio.Event)


def background_work(database: Database, redis_url: str | None = None, **changes: Any) -> BackgroundWork:
    """On a real database, with or without a queue."""
    return BackgroundWork(Settings(redis_url=redis_url, **changes), database)  # type: ignore[arg-type]  # read as a secret


@asynccontextmanager
async def running_process(
    book: TaskBook,
    work: BackgroundWork,
    parts: Mapping[str, Coroutine[Any, Any, None]] | None = None,
    *,
    namespace: str = "",
) -> AsyncGenerator[TaskProcess, None]:
    """The process runs while the block does; it is stopped as by SIGTERM."""
    name = namespace or f"t{secrets.token_hex(8)}"
    process = TaskProcess(book, work, service=name, namespace=name)
    task = asyncio.create_task(process.run(parts))
    try:
        yield process
    finally:
        process.stopping.set()
        await task


async def until(event: asyncio.Event, seconds: float = 60) -> None:
    """Wait for something that must happen."""
    await asyncio.wait_for(event.wait(), seconds)


async def until_true(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for what must become true by itself."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - nobody sets an event for a test
            await asyncio.sleep(0.02)
