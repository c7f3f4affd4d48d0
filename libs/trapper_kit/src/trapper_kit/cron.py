"""Runs every sweep when it is due, in one process at a time: the one that holds the advisory lock."""

import asyncio
from typing import Any

from trapper_kit.broker import Task, TaskBook
from trapper_kit.db import (
    Database,
    DatabaseUnavailable,
    forget_when_silent,
    still_connected,
    try_advisory_lock,
)
from trapper_kit.logs import bound, log
from trapper_kit.loops import asked_to_stop
from trapper_kit.metrics import TASKS

_SILENCES, _LEAST_SILENCE_SECONDS = 5, 5.0
"""How many looks of the process that sweeps may be missing before the database gives its place to another one."""


async def run_sweeps(book: TaskBook, work: Any, database: Database, *, service: str, settings: Any) -> None:
    """For ever: become the process that sweeps, sweep while the lock holds, and try again when it is lost."""
    pause = float(settings.intervals.lock)
    while True:
        try:
            async with database.connection() as connection:
                if await try_advisory_lock(connection, f"{service}.sweeps"):
                    await forget_when_silent(connection, seconds=_SILENCES * pause + _LEAST_SILENCE_SECONDS)
                    log("sweeps.started", sweeps=len(book.sweeps()))
                    async with asyncio.TaskGroup() as group:
                        for task in book.sweeps():
                            group.create_task(_repeat(task, work, service, settings))
                        group.create_task(_hold(connection, pause))
        except* DatabaseUnavailable as problem:
            log("sweeps.interrupted", problem=str(problem.exceptions[0]))
        await asyncio.sleep(pause)


async def _hold(connection: Any, pause: float) -> None:
    while True:
        await asyncio.sleep(pause)
        await still_connected(connection)


async def _repeat(task: Task, work: Any, service: str, settings: Any) -> None:
    pause = task.seconds(settings)
    while True:
        try:
            with bound(task=task.name):
                await task.run(work)
            TASKS.labels(service, task.name, "done").inc()
        except Exception as problem:  # noqa: BLE001 - a sweep that fails is told, and runs again
            TASKS.labels(service, task.name, "failed").inc()
            log("sweep.failed", task=task.name, error=problem)
        if asked_to_stop():
            return
        await asyncio.sleep(pause)
