"""Dependencies of loops and routes: state, clients and intervals; and the guard of the local routes."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ai_worker.leases.events import AbortClaim, Action, Event, Wake
from ai_worker.leases.state import WorkerState
from ai_worker.loops import LoopWakeups
from ai_worker.manager_client import Manager
from ai_worker.settings import Intervals, WorkerSettings
from trapper_kit.logs import log
from trapper_kit.problems import Problem, Unauthenticated
from trapper_kit.tokens import same
from trapper_kit.web.guards import guard, refuses
from trapper_kit.work import Work
from trapper_schemas.v1.workers import Intervals as ManagerIntervals

_STANDSTILL_SECONDS = 1800.0
"""Longer than any turn may take: the longest delivers twenty results to a Manager that is slow to refuse them."""
_QUICK = {"heartbeats.beat": 300.0, "batches.settle": 600.0}
"""Loops whose turns are short: a heartbeat is three requests with time limits of their own, and leases need it."""
_COMPUTES = "batches.run"
"""Its turn lasts as long as there is work; each batch in it has a time limit of its own."""


@dataclass
class Rhythm:
    """The pause of each loop: from the settings, then the Manager, shorter while that does not answer."""

    own: Intervals
    manager: ManagerIntervals | None = None
    away: bool = False
    """Whether the Manager did not answer last time."""

    @property
    def renew(self) -> float:
        """Seconds between two heartbeats."""
        if self.away:
            return self.retry
        return self.manager.renew_seconds if self.manager else self.own.beat

    @property
    def retry(self) -> float:
        """Seconds after a failed call."""
        return self.manager.retry_seconds if self.manager else self.own.retry

    @property
    def poll(self) -> float:
        """Seconds that a claim may wait at the Manager."""
        return min(30.0, self.manager.poll_seconds if self.manager else self.own.poll)

    @property
    def claim(self) -> float:
        """Seconds between two claims when the last one came back empty at once."""
        return self.retry if self.away else self.own.claim

    @property
    def run(self) -> float:
        """Seconds between two searches for a leased batch."""
        return self.own.run

    @property
    def deliver(self) -> float:
        """Seconds between two searches for results to deliver."""
        return self.retry if self.away else self.own.deliver

    @property
    def tidy(self) -> float:
        """Seconds between two searches for files without a row."""
        return self.own.tidy


@dataclass(kw_only=True)
class WorkerWork(Work[WorkerSettings]):
    """What every part of the worker process shares."""

    manager: Manager
    worker_id: UUID
    rhythm: Rhythm
    state: WorkerState
    local_token: str = ""
    wakeups: LoopWakeups = field(default_factory=LoopWakeups)
    claim_aborted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the claim under way is to end without a reply."""
    state_changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after every event."""
    loops: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    parts: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    """Other long-lived parts of the process, by name."""
    turned: dict[str, float] = field(default_factory=dict[str, float])
    """By loop: when its last turn began, on the monotonic clock."""

    def handle(self, event: Event) -> list[Action]:
        """Applies an event to the worker state, wakes loops, aborts the claim, and returns the other actions."""
        remaining: list[Action] = []
        for action in self.state.handle(event):
            match action:
                case Wake(loop):
                    self.wakeups.wake(loop)
                case AbortClaim(reason):
                    log("claims.aborted", reason=reason)
                    self.claim_aborted.set()
                case _:
                    remaining.append(action)
        self.state_changed.set()
        return remaining

    def monotonic(self) -> float:
        """Returns the clock by which leases are counted down."""
        return time.monotonic()

    def closed(self) -> str | None:
        """Returns why nothing is claimed, or None."""
        return self.state.closed(self.monotonic())

    def standstill(self) -> str | None:
        """Returns which loop is stuck, as a sentence; None while all turn or the process leaves."""
        if self.state.stopping:
            return None
        now = self.monotonic()
        for name, task in self.loops.items():
            if task.done():
                return f"the loop {name} has ended"
            late = now - self.turned.get(name, now)
            if name != _COMPUTES and late > _QUICK.get(name, _STANDSTILL_SECONDS):
                return f"the loop {name} has done nothing for {late:.0f} s"
        return None

    def note_manager(self, problem: Problem | None) -> None:
        """Records that the Manager answered (None) or did not; only a change is logged."""
        if (problem is not None) == self.rhythm.away:
            return
        self.rhythm.away = problem is not None
        if problem is not None:
            log("manager.unreachable", level=logging.WARNING, problem=str(problem))
        else:
            log("manager.reached")

    async def close(self) -> None:
        """Closes the clients and the database."""
        await self.manager.close()
        await super().close()


def work_of(request: Request) -> WorkerWork:
    """Returns the worker that serves this request."""
    work: WorkerWork = request.app.state.work
    return work


_bearer = HTTPBearer(auto_error=False, description="the token in the state folder's file `local_token`")


@guard
@refuses(Unauthenticated)
async def _operator(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    given = credentials.credentials if credentials else ""
    if not same(given, work_of(request).local_token):
        raise Unauthenticated("the local token is needed; it is in the file local_token of the state folder")


MayOperate = Depends(_operator)
"""Callers who can read the state folder may drain, pause and resume."""
