"""What a step or a route is given: the worker's world, its rhythm, its switches; and the guard of the local door."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ai_worker.manager_client import Manager
from ai_worker.settings import Intervals, WorkerSettings
from trapper_kit.logs import log
from trapper_kit.loops import LoopWakeups
from trapper_kit.problems import Problem, Unauthenticated
from trapper_kit.tokens import same
from trapper_kit.web.guards import guard
from trapper_kit.work import Work
from trapper_schemas.v1.workers import Intervals as ToldIntervals

_STANDSTILL_SECONDS = 1800.0
"""Longer than any step may take: the longest hands in twenty results to a Manager that is slow to refuse them."""
_QUICK = {"heartbeats.beat": 300.0, "batches.settle": 600.0}
"""Loops whose steps are short: a heartbeat is three requests with limits of their own, and leases hang on it."""
_COMPUTES = "batches.run"
"""Its step lasts as long as there is work; each batch in it has a time limit of its own."""


@dataclass
class Rhythm:
    """How long each loop pauses: our settings, then what the Manager says, shorter while it is away."""

    own: Intervals
    told: ToldIntervals | None = None
    away: bool = False

    @property
    def renew(self) -> float:
        """Between two heartbeats."""
        if self.away:
            return self.retry
        return self.told.renew_seconds if self.told else self.own.beat

    @property
    def retry(self) -> float:
        """After a failed call."""
        return self.told.retry_seconds if self.told else self.own.retry

    @property
    def poll(self) -> float:
        """How long a claim may wait on the other side."""
        return min(30.0, self.told.poll_seconds if self.told else self.own.poll)

    @property
    def claim(self) -> float:
        """Between two claims, when the last one brought nothing at once."""
        return self.retry if self.away else self.own.claim

    @property
    def run(self) -> float:
        """Between two looks for a leased batch."""
        return self.own.run

    @property
    def deliver(self) -> float:
        """Between two looks for kept results."""
        return self.retry if self.away else self.own.deliver

    @property
    def tidy(self) -> float:
        """Between two looks for what nobody needs."""
        return self.own.tidy


@dataclass
class Switches:
    """Why nothing is claimed at the moment; what is in hand goes on."""

    stopping: bool = False
    paused: bool = False
    draining: bool = False
    paused_there: bool = False
    draining_there: bool = False
    revoked: bool = False
    held_until: float = 0.0
    held_because: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a switch is turned, by whomever: a claim under way looks again whether it may go on."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if "changed" in self.__dict__:
            self.changed.set()

    def hold(self, reason: str, *, until: float) -> None:
        """No claims until then, by the monotonic clock."""
        self.held_until, self.held_because = until, reason

    def closed(self, now: float) -> str | None:
        """The reason why nothing is claimed, or None."""
        reasons = {
            "stopping": self.stopping,
            "credential not valid": self.revoked,
            "draining": self.draining or self.draining_there,
            "paused": self.paused or self.paused_there,
            self.held_because: now < self.held_until,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)


@dataclass(kw_only=True)
class WorkerWork(Work[WorkerSettings]):
    """The world of the worker's one process."""

    manager: Manager
    worker_id: UUID
    rhythm: Rhythm
    local_token: str = ""
    switches: Switches = field(default_factory=Switches)
    wakeups: LoopWakeups = field(default_factory=LoopWakeups)
    loops: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])
    turned: dict[str, float] = field(default_factory=dict[str, float])
    """By loop: when its last step began, on the monotonic clock."""
    """What the Manager wants this machine's operator to read."""

    def monotonic(self) -> float:
        """The clock by which leases are counted down."""
        return time.monotonic()

    def standstill(self) -> str | None:
        """What does not turn any more, in words; None while all loops do, or while we leave."""
        if self.switches.stopping:
            return None
        now = self.monotonic()
        for name, task in self.loops.items():
            if task.done():
                return f"the loop {name} has ended"
            late = now - self.turned.get(name, now)
            if name != _COMPUTES and late > _QUICK.get(name, _STANDSTILL_SECONDS):
                return f"the loop {name} has not turned for {late:.0f} s"
        return None

    def heard(self, problem: Problem | None) -> None:
        """Note that the Manager answered, or that it did not; only changes are told."""
        if (problem is not None) == self.rhythm.away:
            return
        self.rhythm.away = problem is not None
        if problem is not None:
            log("manager.unreachable", level=logging.WARNING, problem=str(problem))
        else:
            log("manager.reached")

    async def close(self) -> None:
        """Let go of everything."""
        await self.manager.close()
        await super().close()


def work_of(request: Request) -> WorkerWork:
    """The world that the doors made."""
    work: WorkerWork = request.app.state.work
    return work


_bearer = HTTPBearer(auto_error=False, description="the token in the state folder's file `local_token`")


@guard
async def _operator(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    given = credentials.credentials if credentials else ""
    if not same(given, work_of(request).local_token):
        raise Unauthenticated("the local token is needed; it lies in the state folder's file local_token")


MayOperate = Depends(_operator)
"""Whoever can read the state folder may drain, pause and resume."""
