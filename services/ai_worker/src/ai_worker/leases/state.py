"""The claim protocol as a state machine: events in, actions out, no I/O.

A state machine in the manner of dask's worker state machine. The loops of the worker feed it events (`handle`) and
carry out the actions that it returns; nothing else changes it. docs/workers.md has its transition table.

The claim protocol has three rules. A heartbeat is `complete` only while no claim is under way: the Manager then takes
back every lease that it does not name. No claim is sent while a complete heartbeat is under way, nor after a claim or a
complete heartbeat without a reply, until a later complete heartbeat is answered. Heartbeats are numbered: the Manager
ignores `complete` of one that arrives after a newer one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import singledispatchmethod
from uuid import UUID

from ai_worker.leases import events as e
from ai_worker.leases.runs import Lease, RunState

MOST_LEASES_NAMED = 256
"""So many leases fit into one heartbeat."""
MOST_UNFINISHED = 250
"""So many runs wait or are computed at most, so that one heartbeat names them all."""
MOST_PER_CLAIM = 64
LONGEST_PAUSE = 600.0
_MOST_DOUBLINGS = 20
_CLAIM, _BEAT, _RUN = "batches.claim", "heartbeats.beat", "batches.run"


class Drain(StrEnum):
    """Whether the Manager has ordered this worker to leave."""

    UNKNOWN = "unknown"
    """It has not answered this process yet."""
    NONE = "none"
    STANDING = "standing"
    """The order was there when the process started: it waits, and claims nothing."""
    LEAVING = "leaving"
    """The order came while the process ran: it finishes, delivers and leaves."""


@dataclass
class OfflineRequest:
    """Batches to take along for work without a link."""

    seconds: float
    left: int
    taken: int = 0
    over: str = ""
    """Why no more are taken; empty while more may be."""


@dataclass(frozen=True)
class Limits:
    """Settings of this machine that the state machine needs."""

    offline_seconds: float = 0.0
    """Above 0 every claim asks for leases that last so long without a link."""
    offline_batches: int = 20
    pause: float = 10.0
    """Seconds without claims after a failed run; they double with each further one."""


@dataclass
class WorkerState:
    """The state of one worker process; `handle` is the only way to change it."""

    limits: Limits = field(default_factory=Limits)
    leases: dict[UUID, Lease] = field(default_factory=dict[UUID, Lease])
    """By run, in the order in which they were taken."""
    stopping: bool = False
    paused: bool = False
    draining: bool = False
    manager_paused: bool = False
    drain: Drain = Drain.UNKNOWN
    revoked: bool = False
    """Whether the Manager has refused the credential."""
    held_until: float = 0.0
    held_because: str = ""
    failures: int = 0
    """Runs in a row that could not be computed here."""
    offline_request: OfflineRequest | None = None
    claiming: bool = False
    """Whether a claim is under way; it ends once everything that it brought is written down."""
    number: int = 0
    """Of the last heartbeat."""
    open_since: int | None = 0
    """The Manager may have leased batches to us that we do not know of. A complete heartbeat with a higher number than
    this settles it; None when it is settled. Every process starts unsettled."""
    _claim_request: OfflineRequest | None = None
    _claim_pending: bool = False
    _heartbeats: dict[int, e.SendHeartbeat] = field(default_factory=dict[int, e.SendHeartbeat])
    """Heartbeats under way, by number."""

    # ------------------------------------------------------------------------------------------------------- questions

    def closed(self, now: float) -> str | None:
        """Returns the reason why nothing is claimed, or None."""
        reasons = {
            "stopping": self.stopping,
            "credential not valid": self.revoked,
            "draining": self.draining or self.drain in {Drain.STANDING, Drain.LEAVING},
            "paused": self.paused or self.manager_paused,
            self.held_because: now < self.held_until,
        }
        return next((reason for reason, holds in reasons.items() if holds), None)

    @property
    def unfinished(self) -> list[Lease]:
        """Leases whose runs wait or are computed."""
        return [lease for lease in self.leases.values() if lease.unfinished]

    @property
    def undelivered(self) -> list[Lease]:
        """Leases whose results the Manager has not answered for."""
        return [lease for lease in self.leases.values() if lease.state is RunState.KEPT]

    @property
    def busy(self) -> bool:
        """Whether a run has to end before the process may leave."""
        return any(not lease.parked for lease in self.unfinished)

    @property
    def may_leave(self) -> bool:
        """Whether a drain is complete."""
        return self.drain is Drain.LEAVING and not self.leases and not self.claiming

    def holds(self, run_id: UUID, now: float) -> bool:
        """Returns whether the lease of this run lasts, as far as this process knows."""
        lease = self.leases.get(run_id)
        return lease is not None and lease.deadline is not None and now < lease.deadline

    # ---------------------------------------------------------------------------------------------------------- events

    def handle(self, event: e.Event) -> list[e.Action]:
        """Changes the state by one event; returns the actions, in order."""
        return self._on(event)

    @singledispatchmethod
    def _on(self, event: e.Event) -> list[e.Action]:
        raise TypeError(f"{type(event).__name__} is no event")

    @_on.register
    def _(self, event: e.Recovered) -> list[e.Action]:
        self.leases |= {lease.run_id: lease for lease in event.leases}
        return []

    @_on.register
    def _(self, event: e.ClaimDue) -> list[e.Action]:
        if self.claiming:
            return []
        limit = self._room(event)
        if not limit:
            return []
        if self.open_since is not None or self._complete_under_way():
            self._claim_pending = True
            return [] if self._complete_under_way() else [e.Wake(_BEAT)]
        self.claiming, self._claim_request, self._claim_pending = True, self.offline_request, False
        return [e.SendClaim(min(limit, MOST_PER_CLAIM), self._offline_seconds())]

    @_on.register
    def _(self, event: e.ClaimAnswered) -> list[e.Action]:
        known = {(lease.batch_id, lease.attempt) for lease in self.leases.values()}
        new = [lease for lease in event.leases if (lease.batch_id, lease.attempt) not in known]
        if self.closed(event.now) is not None:
            return [e.ReturnLease(lease, "draining") for lease in new]
        batches = {lease.batch_id for lease in new}
        former = [lease.run_id for lease in self.unfinished if lease.batch_id in batches]
        self._count_offline(len(new))
        return [*(e.EndRun(run_id, "lost") for run_id in former), *(e.TakeLease(lease) for lease in new)]

    @_on.register
    def _(self, event: e.LeaseTaken) -> list[e.Action]:
        self.leases[event.lease.run_id] = event.lease
        return []

    @_on.register
    def _(self, event: e.LeaseNotWritten) -> list[e.Action]:
        self._hold(event.reason.replace("_", " "), event.now + self.limits.pause)
        return [e.ReturnLease(event.lease, event.reason)]

    @_on.register
    def _(self, _event: e.ClaimFinished) -> list[e.Action]:
        self.claiming = False
        return [e.Wake(_RUN)]

    @_on.register
    def _(self, event: e.ClaimFailed) -> list[e.Action]:
        if not self.claiming:
            return []
        self.claiming = False
        self.revoked |= event.unauthorized
        if not event.may_have_leased:
            return []
        self._unsettle()
        return [e.Wake(_BEAT)]

    @_on.register
    def _(self, _event: e.HeartbeatDue) -> list[e.Action]:
        newest = {lease.batch_id: lease for lease in self.leases.values()}  # only the last attempt can still be ours
        complete = not self.claiming and len(newest) <= MOST_LEASES_NAMED
        self.number += 1
        heartbeat = e.SendHeartbeat(self.number, tuple(newest.values())[:MOST_LEASES_NAMED], complete)
        self._heartbeats[self.number] = heartbeat
        return [heartbeat]

    @_on.register
    def _(self, event: e.HeartbeatAnswered) -> list[e.Action]:
        heartbeat = self._heartbeats.pop(event.number, None)
        if heartbeat is None:
            return []
        actions: list[e.Action] = [*self._settle(heartbeat, event.newest)]
        self.revoked, self.manager_paused = False, event.paused
        self.drain = _drain_after(self.drain, ordered=event.drain)
        gone = dict.fromkeys(event.lost, "lost") | dict.fromkeys(event.cancelled, "cancelled")
        for lease in heartbeat.leases:
            if not lease.unfinished:  # the delivery finds out: the Manager may even have the result
                continue
            if lease.batch_id in event.renewed:
                lease.deadline = event.sent + event.renewed[lease.batch_id]
            elif lease.batch_id in gone and lease.run_id in self.leases:
                actions.append(e.EndRun(lease.run_id, gone[lease.batch_id]))
        return [*actions, e.Wake(_RUN), *self._abort(event.now)]

    @_on.register
    def _(self, event: e.HeartbeatFailed) -> list[e.Action]:
        heartbeat = self._heartbeats.pop(event.number, None)
        if heartbeat is not None and heartbeat.complete:
            self._unsettle()  # it may still arrive
        self.revoked |= event.unauthorized
        return self._abort()

    @_on.register
    def _(self, event: e.RunStarted) -> list[e.Action]:
        self._become(event.run_id, RunState.RUNNING)
        return []

    @_on.register
    def _(self, event: e.RunKept) -> list[e.Action]:
        self.failures = 0
        self._become(event.run_id, RunState.KEPT)
        return [e.Wake("results.deliver"), e.Wake(_CLAIM)]

    @_on.register
    def _(self, event: e.RunFailed) -> list[e.Action]:
        pause = min(LONGEST_PAUSE, self.limits.pause * 2 ** min(self.failures, _MOST_DOUBLINGS))
        self.failures += 1
        return self._hold(event.reason, event.now + pause)

    @_on.register
    def _(self, event: e.RunEnded) -> list[e.Action]:
        self.leases.pop(event.run_id, None)
        return [e.Wake(_CLAIM)]

    @_on.register
    def _(self, event: e.RunParked) -> list[e.Action]:
        lease = self.leases.get(event.run_id)
        if lease is not None and lease.unfinished:
            lease.parked, lease.state = True, RunState.LEASED
        return []

    @_on.register
    def _(self, event: e.SwitchesSet) -> list[e.Action]:
        opened = (self.paused and not event.paused) or (self.draining and not event.draining)
        self.paused, self.draining = event.paused, event.draining
        return [*self._abort(), *([e.Wake(_CLAIM)] if opened else [])]

    @_on.register
    def _(self, event: e.OfflineRequested) -> list[e.Action]:
        self.offline_request = OfflineRequest(event.seconds, event.batches)
        abort = [e.AbortClaim("other leases are wanted")] if self.claiming else []
        return [*abort, e.Wake(_CLAIM)]

    @_on.register
    def _(self, _event: e.StopRequested) -> list[e.Action]:
        self.stopping = True
        waiting = [lease for lease in self.unfinished if lease.state is RunState.LEASED and not lease.parked]
        return [*self._abort(), *map(_leave_behind, waiting)]

    @_on.register
    def _(self, _event: e.GraceEnded) -> list[e.Action]:
        return [_leave_behind(lease) for lease in self.unfinished if not lease.parked]

    # --------------------------------------------------------------------------------------------------------- details

    def _room(self, event: e.ClaimDue) -> int:
        """Returns how many batches may be claimed now."""
        if self.closed(event.now) is not None:
            return 0
        if event.full:
            self._hold(event.full, event.now + self.limits.pause)
            return 0
        request, unfinished = self.offline_request, self.unfinished
        open_request = request is not None and not request.over
        if event.cache_full:
            if request is not None and open_request:
                request.over = "the cache is full (AI_WORKER_CACHE_LIMIT_BYTES)"
            return 0
        if request is not None and open_request:
            most = min(request.left + len(unfinished), MOST_UNFINISHED)
        elif self.limits.offline_seconds:
            most = self.limits.offline_batches
        else:  # beside batches for work without a link, none is taken whose lease needs one
            most = 0 if any(lease.offline for lease in unfinished) else event.slots
        return max(0, most - len(unfinished))

    def _offline_seconds(self) -> float | None:
        request = self.offline_request
        if request is not None and not request.over:
            return request.seconds
        return self.limits.offline_seconds or None

    def _count_offline(self, taken: int) -> None:
        request = self._claim_request
        if request is None or request.over:
            return
        request.taken += taken
        request.left -= taken
        if request.left <= 0:
            request.over = "everything that was asked for is taken"
        elif not taken:
            request.over = "no more batches wait at the Manager"

    def _hold(self, reason: str, until: float) -> list[e.Action]:
        self.held_because, self.held_until = reason, until
        return [e.AbortClaim(reason)] if self.claiming else []

    def _abort(self, now: float = float("inf")) -> list[e.Action]:
        """Returns AbortClaim when claims were closed while one is under way."""
        reason = self.closed(now) if self.claiming else None
        return [] if reason is None else [e.AbortClaim(reason)]

    def _complete_under_way(self) -> bool:
        return any(heartbeat.complete for heartbeat in self._heartbeats.values())

    def _unsettle(self) -> None:
        self.open_since = self.number

    def _settle(self, heartbeat: e.SendHeartbeat, newest: int) -> Iterable[e.Action]:
        """Returns the actions after a heartbeat's answer about leases that we may not know of."""
        if newest > self.number:  # another process, or a folder that was restored, has counted further
            self.number = newest
            self._unsettle()
            return [e.Wake(_BEAT)]
        if not heartbeat.complete:
            if len(heartbeat.leases) < MOST_LEASES_NAMED:  # a complete one follows before the next claim
                self.open_since = max(self.open_since or 0, heartbeat.number)
            return []
        if newest == heartbeat.number and self.open_since is not None and newest > self.open_since:
            self.open_since = None
        if self._claim_pending and self.open_since is None:
            return [e.Wake(_CLAIM)]
        return []

    def _become(self, run_id: UUID, state: RunState) -> None:
        lease = self.leases.get(run_id)
        if lease is not None and lease.unfinished:
            lease.state = state


def _drain_after(present: Drain, *, ordered: bool) -> Drain:
    if not ordered:
        return Drain.NONE
    return {Drain.UNKNOWN: Drain.STANDING, Drain.NONE: Drain.LEAVING}.get(present, present)


def _leave_behind(lease: Lease) -> e.Action:
    """Returns ParkRun for a lease without a link, ReleaseRun for any other."""
    return e.ParkRun(lease.run_id) if lease.offline else e.ReleaseRun(lease.run_id)
