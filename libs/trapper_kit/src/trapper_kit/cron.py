"""Runs every sweep when it is due, in one process at a time: the one that holds the advisory lock."""

import asyncio
import time
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from trapper_kit.broker import Task, TaskBook
from trapper_kit.db import (
    Database,
    end_session_when_silent,
    is_away,
    still_connected,
    try_advisory_lock,
)
from trapper_kit.logs import bound, log
from trapper_kit.metrics import TASKS, Family, Sample
from trapper_kit.turns import run_turn

_MISSED_CHECKS, _SHORTEST_SILENCE_SECONDS = 5, 5.0
"""How many checks of the leader may be missing before the database gives its lock to another process."""
STALE_INTERVALS, SHORTEST_STALE_SECONDS = 10.0, 30.0
"""A sweep without a good turn for ten intervals, and for 30 s at least, is stale."""
LOCK = "sweeps.lock"
"""The name under which the attempts to become the leader are recorded."""


@dataclass
class SweepRecord:
    """How a sweep has been doing in this process."""

    name: str
    interval: float
    turns: int = 0
    failures: int = 0
    good_at: float = field(default_factory=time.monotonic)
    """When the last good turn ended; at first, when this process became the leader."""
    progress_at: float = 0.0
    """When the turn that is running last reported progress."""

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last good turn."""
        return time.monotonic() - self.good_at

    @property
    def is_stale(self) -> bool:
        """Whether it had neither a good turn nor progress for ten intervals."""
        limit = max(STALE_INTERVALS * self.interval, SHORTEST_STALE_SECONDS)
        return time.monotonic() - max(self.good_at, self.progress_at) > limit


_running: ContextVar[SweepRecord | None] = ContextVar("running sweep", default=None)


def note_progress() -> None:
    """Record that the running sweep, if there is one, has just got something done."""
    record = _running.get()
    if record is not None:
        record.progress_at = time.monotonic()


class Sweeps:
    """The sweeps of one process, with a record of each."""

    def __init__(self, book: TaskBook, work: Any, database: Database, *, service: str, settings: Any) -> None:
        self._work, self._database, self._service = work, database, service
        self._tasks = book.sweeps()
        self._pause = float(settings.intervals.lock)
        self._lock = SweepRecord(LOCK, self._pause)
        self.is_leader = False
        self._records = {task.name: SweepRecord(task.name, task.seconds(settings)) for task in self._tasks}

    @property
    def records(self) -> list[SweepRecord]:
        """Those of the lock, and of every sweep while this process is the leader."""
        return [self._lock, *(self._records.values() if self.is_leader else ())]

    @property
    def stale(self) -> list[str]:
        """What has not had a good turn for too long, each in a sentence."""
        return [
            f"{record.name} had its last good turn {record.idle_seconds:.0f} s ago, its interval is "
            f"{record.interval:g} s, {record.failures} turns failed"
            for record in self.records
            if record.is_stale
        ]

    async def run(self) -> None:
        """For ever: become the leader, sweep while the lock holds, and try again when it is lost."""
        while True:
            try:
                await run_turn(self._lead())
            except Exception as error:  # noqa: BLE001 - whatever it was, the next attempt may succeed
                self._lock.failures += 1
                away = all(map(is_away, _leaves(error)))
                log("sweeps.interrupted", problem=str(error), error=None if away else error)
            await asyncio.sleep(self._pause)

    async def _lead(self) -> None:
        async with self._database.connection() as connection:
            leads = await try_advisory_lock(connection, f"{self._service}.sweeps")
            self._good(self._lock)
            if not leads:
                return
            await end_session_when_silent(connection, seconds=_MISSED_CHECKS * self._pause + _SHORTEST_SILENCE_SECONDS)
            log("sweeps.started", sweeps=len(self._tasks))
            for record in self._records.values():
                record.good_at = time.monotonic()
            self.is_leader = True
            try:
                async with asyncio.TaskGroup() as group:
                    for task in self._tasks:
                        group.create_task(self._repeat(task, self._records[task.name]))
                    group.create_task(self._hold(connection))
            finally:
                self.is_leader = False

    async def _hold(self, connection: Any) -> None:
        while True:
            await asyncio.sleep(self._pause)
            await still_connected(connection)
            self._good(self._lock)

    async def _repeat(self, task: Task, record: SweepRecord) -> None:
        while True:
            more = await self._turn(task, record)
            await asyncio.sleep(0 if more else record.interval)

    async def _turn(self, task: Task, record: SweepRecord) -> bool:
        """Whether there may be more to do at once; a turn that fails is logged, and costs one interval."""
        token = _running.set(record)
        try:
            with bound(task=task.name):
                more = await run_turn(task.run(self._work))
        except Exception as error:  # noqa: BLE001 - a sweep survives every exception of one turn
            record.failures += 1
            TASKS.labels(self._service, task.name, "failed").inc()
            log("sweep.failed", task=task.name, error=error)
            return False
        finally:
            _running.reset(token)
        self._good(record)
        TASKS.labels(self._service, task.name, "done").inc()
        return bool(more)

    @staticmethod
    def _good(record: SweepRecord) -> None:
        record.turns += 1
        record.good_at = time.monotonic()

    def measure(self) -> list[Family]:
        """The records as metrics; a process that does not lead has those of the lock alone."""

        def family(name: str, text: str, values: Iterable[tuple[str, float]], *, counter: bool = False) -> Family:
            samples = [Sample((self._service, task), value) for task, value in values]
            return Family(name, text, ("service", "task"), samples, counter=counter)

        records = self.records
        return [
            Family(
                "trapper_sweeps_leader",
                "Whether this process runs the sweeps of its service",
                ("service",),
                [Sample((self._service,), float(self.is_leader))],
            ),
            family(
                "trapper_sweep_idle_seconds",
                "Seconds since the last good turn",
                [(record.name, record.idle_seconds) for record in records],
            ),
            family(
                "trapper_sweep_interval_seconds",
                "Seconds between two turns",
                [(record.name, record.interval) for record in records],
            ),
            family(
                "trapper_sweep_stale",
                "1 when there was no good turn and no progress for ten intervals",
                [(record.name, float(record.is_stale)) for record in records],
            ),
            family(
                "trapper_sweep_turns_total",
                "Good turns",
                [(record.name, record.turns) for record in records],
                counter=True,
            ),
            family(
                "trapper_sweep_failures_total",
                "Turns that failed",
                [(record.name, record.failures) for record in records],
                counter=True,
            ),
        ]


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]


async def run_sweeps(book: TaskBook, work: Any, database: Database, *, service: str, settings: Any) -> None:
    """Run the sweeps of a book for ever."""
    await Sweeps(book, work, database, service=service, settings=settings).run()
