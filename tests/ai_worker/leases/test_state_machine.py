"""The worker state against a model of the Manager, over a network that loses, doubles and delays every request."""

import itertools
from copy import copy
from dataclasses import dataclass, field, replace
from uuid import UUID

import hypothesis.strategies as st
from hypothesis import HealthCheck, note, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ai_worker.leases import events as e
from ai_worker.leases.runs import Lease, RunState
from ai_worker.leases.state import Drain, Limits, WorkerState

SLOTS = 6
LEASE_SECONDS = 60.0
DAYS = 7 * 86_400.0
ANSWERED, REPLY_LOST, REPLY_DELAYED, LOST, DELAYED = FATE = (
    "answered",
    "reply lost",
    "reply delayed",
    "lost",
    "delayed",
)
NO, YES = False, True
FLAGS = st.sampled_from([(NO, NO, NO), (NO, NO, NO), (YES, NO, NO), (NO, YES, NO), (NO, NO, YES)])
MOST_BATCHES = 8
FATES = st.sampled_from([ANSWERED, ANSWERED, ANSWERED, *FATE])


@dataclass
class Batch:
    """A batch at the Manager."""

    state: str = "waiting"
    attempt: int = 0
    token: str = ""
    saved: int = 0


@dataclass
class Manager:
    """What the Manager does with each request, however often and late it comes."""

    batches: dict[UUID, Batch] = field(default_factory=dict)
    number: int = 0
    drain: bool = False
    paused: bool = False
    revoked: bool = False
    taken_back: list[str] = field(default_factory=list)
    """Tokens of the leases that a complete heartbeat did not name."""

    def leased(self) -> list[UUID]:
        return [key for key, batch in self.batches.items() if batch.state == "leased"]

    def claim(self, request: e.SendClaim) -> list[tuple[UUID, int, str]]:
        offers = []  # one at a time, so that more claims bring something
        for key, batch in self.batches.items():
            if batch.state == "waiting" and request.limit and not offers:
                batch.state, batch.attempt = "leased", batch.attempt + 1
                batch.token = f"{key.int}/{batch.attempt}"
                offers.append((key, batch.attempt, batch.token))
        return offers

    def heartbeat(self, pulse: e.SendHeartbeat) -> e.HeartbeatAnswered:
        held = {lease.token for lease in pulse.leases}
        if pulse.complete and pulse.number > self.number:
            for key in self.leased():
                if self.batches[key].token not in held:
                    self.taken_back.append(self.batches[key].token)
                    self.batches[key].state = "waiting"
        self.number = max(self.number, pulse.number)
        renewed, lost, cancelled = {}, [], []
        for lease in pulse.leases:
            batch = self.batches[lease.batch_id]
            if batch.state == "leased" and batch.token == lease.token:
                renewed[lease.batch_id] = LEASE_SECONDS
            else:
                (cancelled if batch.state == "cancelled" else lost).append(lease.batch_id)
        return e.HeartbeatAnswered(
            0.0, pulse.number, self.number, 0.0, renewed, tuple(lost), tuple(cancelled), self.paused, self.drain
        )

    def save(self, lease: Lease) -> None:
        """Any answer ends the delivery: taken, taken before, lost or cancelled."""
        batch = self.batches[lease.batch_id]
        if batch.state == "leased" and batch.token == lease.token:
            batch.state, batch.saved = "done", batch.saved + 1

    def release(self, lease: Lease) -> None:
        batch = self.batches[lease.batch_id]
        if batch.state == "leased" and batch.token == lease.token:
            batch.state = "waiting"


@dataclass
class Request:
    """A claim or a heartbeat on its way, as often as the network delivers it."""

    content: e.SendClaim | e.SendHeartbeat
    awaited: bool = True
    reply: object = None


class WorkerAndManager(RuleBasedStateMachine):
    """Rules are what may happen at any moment; invariants hold after each of them."""

    def __init__(self) -> None:
        super().__init__()
        self.manager = Manager()
        self.rows: dict[UUID, Lease] = {}
        """The worker's database: it alone outlives the process."""
        self.now = 0.0
        self.process = 0
        self.ids = itertools.count(1)
        self.sent: list[Request] = []
        self.offline_hours = False

    @initialize(offline=st.booleans(), batches=st.integers(1, 5))
    def begin(self, offline: bool, batches: int) -> None:
        self.offline_hours = offline
        self.manager.batches = {UUID(int=next(self.ids)): Batch() for _ in range(batches)}
        self.start()

    def start(self) -> None:
        limits = Limits(offline_seconds=DAYS if self.offline_hours else 0.0, offline_batches=SLOTS)
        self.state = WorkerState(limits)
        self.process += 1
        for request in self.sent:
            request.awaited = False
        for lease in self.rows.values():
            lease.parked, lease.deadline = False, self.now + DAYS if lease.offline else None
            if lease.unfinished:
                lease.state = RunState.LEASED
        self.handle(e.Recovered(tuple(copy(lease) for lease in self.rows.values())))

    # ------------------------------------------------------------------------------------- what the worker carries out

    def handle(self, event: e.Event, *, heard: bool = True, disk_full: bool = False) -> list[e.Action]:
        """Feed one event and carry out what follows from it; the requests that it sends are returned."""
        note(f"{event}")
        sends: list[e.Action] = []
        for action in self.state.handle(event):
            if isinstance(action, e.SendClaim | e.SendHeartbeat):
                sends.append(action)
            else:
                self.carry_out(action, heard=heard, disk_full=disk_full)
        return sends

    def carry_out(self, action: e.Action, *, heard: bool, disk_full: bool) -> None:
        match action:
            case e.TakeLease(lease) if disk_full:
                self.handle(e.LeaseNotWritten(self.now, lease, "disk_full"), heard=heard)
            case e.TakeLease(lease):
                self.rows[lease.run_id] = copy(lease)
                self.handle(e.LeaseTaken(lease))
            case e.ReturnLease(lease):
                if heard:
                    self.manager.release(lease)
            case e.EndRun(run_id):
                del self.rows[run_id]
                self.handle(e.RunEnded(run_id))
            case e.ReleaseRun(run_id) if heard:
                self.manager.release(self.rows.pop(run_id))
                self.handle(e.RunEnded(run_id))
            case e.ReleaseRun(run_id) | e.ParkRun(run_id):
                self.handle(e.RunParked(run_id))
            case e.AbortClaim():
                assert self.state.claiming
                for request in self.awaited(e.SendClaim):
                    request.awaited = False
                self.handle(e.ClaimFailed(may_have_leased=True))

    def awaited(self, kind: type = object) -> list[Request]:
        return [request for request in self.sent if request.awaited and isinstance(request.content, kind)]

    # ---------------------------------------------------------------------------------------------------- the protocol

    @rule(fate=FATES, disk=st.sampled_from(["", "", "", "", "disk full", "full after the claim"]))
    def claim_turn(self, fate: str, disk: str) -> None:
        if self.state.claiming:
            assert self.state.handle(e.ClaimDue(self.now, SLOTS)) == [], "one claim at a time"
            return
        claims = self.handle(e.ClaimDue(self.now, SLOTS, disk if disk == "disk full" else ""))
        if claims:
            self.check_claim(claims[0])
            self.send(claims[0], fate, disk_full=bool(disk))

    @rule()
    def ordinary_turn(self) -> None:
        """A heartbeat, after which the worker has to be settled, and a claim; the most frequent thing of all."""
        for _ in range(2 if self.manager.number > self.state.number else 1):
            self.heartbeat_turn(ANSWERED)
        self.claim_turn(ANSWERED, "")

    def check_claim(self, claim: e.SendClaim) -> None:
        assert self.state.closed(self.now) is None
        unfinished = len(self.state.unfinished)
        request = self.state.offline_request
        open_request = request is not None and not request.over
        assert 1 <= claim.limit <= (request.left if open_request else SLOTS - unfinished)
        assert not [one for one in self.awaited(e.SendHeartbeat) if one.content.complete]
        if claim.offline_seconds is None:
            assert not any(lease.offline for lease in self.state.unfinished)

    @rule(fate=FATES)
    def heartbeat_turn(self, fate: str) -> None:
        (pulse,) = self.handle(e.HeartbeatDue())
        held = {lease.batch_id: lease.token for lease in self.rows.values()}
        assert {lease.batch_id: lease.token for lease in pulse.leases} == held, "all that is held is renewed"
        assert pulse.complete is not self.state.claiming
        self.send(replace(pulse, leases=tuple(copy(lease) for lease in pulse.leases)), fate)

    def send(self, content: e.SendClaim | e.SendHeartbeat, fate: str, *, disk_full: bool = False) -> None:
        """What becomes of a request at first; it may arrive again, and be answered or given up, at any time later."""
        request = Request(content)
        self.sent.append(request)
        if fate in {ANSWERED, REPLY_LOST, REPLY_DELAYED}:
            self.arrive(request)
        if fate == ANSWERED and request.reply is not None:
            self.reply(request, disk_full=disk_full)
        elif fate in {ANSWERED, REPLY_LOST, LOST}:
            self.time_out(request)

    def arrive(self, request: Request) -> None:
        if self.manager.revoked:
            return
        content = request.content
        reply = self.manager.claim(content) if isinstance(content, e.SendClaim) else self.manager.heartbeat(content)
        if request.awaited and request.reply is None:
            request.reply = reply

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def arrive_late(self, data: st.DataObject) -> None:
        """For the first time, again, or long after anybody waited for it."""
        self.arrive(data.draw(st.sampled_from(self.sent[-10:])))

    @precondition(lambda self: self.awaited())
    @rule(data=st.data(), answered=st.booleans())
    def end_waiting(self, data: st.DataObject, answered: bool) -> None:
        request = data.draw(st.sampled_from(self.awaited()))
        if answered and request.reply is not None:
            self.reply(request)
        else:
            self.time_out(request)

    def reply(self, request: Request, *, disk_full: bool = False) -> None:
        request.awaited = False
        if isinstance(request.content, e.SendClaim):
            offline = request.content.offline_seconds is not None
            leases = tuple(
                Lease(UUID(int=next(self.ids)), batch, attempt, token, 4, self.now + LEASE_SECONDS, offline)
                for batch, attempt, token in request.reply
            )
            self.handle(e.ClaimAnswered(self.now, leases), disk_full=disk_full)
            self.handle(e.ClaimFinished())
        else:
            self.handle(replace(request.reply, now=self.now, sent=self.now))

    def time_out(self, request: Request) -> None:
        request.awaited = False
        revoked = self.manager.revoked
        if isinstance(request.content, e.SendClaim):
            self.handle(e.ClaimFailed(may_have_leased=not revoked or request.reply is not None, unauthorized=revoked))
        else:
            self.handle(e.HeartbeatFailed(request.content.number, unauthorized=revoked))

    # ------------------------------------------------------------------------------------------------ runs and results

    @rule(data=st.data())
    def compute(self, data: st.DataObject) -> None:
        ready = [lease for lease in self.state.unfinished if self.state.holds(lease.run_id, self.now)]
        if ready and not self.state.stopping:
            lease = data.draw(st.sampled_from(ready))
            then = {RunState.LEASED: RunState.RUNNING, RunState.RUNNING: RunState.KEPT}[lease.state]
            self.rows[lease.run_id].state = then
            self.handle((e.RunStarted if then is RunState.RUNNING else e.RunKept)(lease.run_id))

    @rule(data=st.data(), heard=st.booleans(), doubled=st.booleans())
    def deliver(self, data: st.DataObject, heard: bool, doubled: bool) -> None:
        if self.state.undelivered and not self.manager.revoked:
            lease = data.draw(st.sampled_from(self.state.undelivered))
            for _ in range(1 + doubled):
                self.manager.save(lease)
            if heard:
                del self.rows[lease.run_id]
                self.handle(e.RunEnded(lease.run_id))

    # ----------------------------------------------------------------------------------------- people, time and outages

    @rule(seconds=st.sampled_from([1.0, 30.0, 1000.0]))
    def wait_and_add_a_batch(self, seconds: float) -> None:
        self.now += seconds
        if len(self.manager.batches) < MOST_BATCHES:
            self.manager.batches[UUID(int=next(self.ids))] = Batch()

    @rule(data=st.data())
    def disturb(self, data: st.DataObject) -> None:
        """One rule for all of it, so that most steps are work."""
        disturbances = (self.end_lease, self.order, self.switch, self.take_along, self.fail, self.kill, self.stop)
        data.draw(st.sampled_from(disturbances))(data)

    def end_lease(self, data: st.DataObject) -> None:
        """It expires, or its job is cancelled."""
        if leased := self.manager.leased():
            then = data.draw(st.sampled_from(["waiting", "cancelled"]))
            self.manager.batches[data.draw(st.sampled_from(leased))].state = then

    def order(self, data: st.DataObject) -> None:
        self.manager.drain, self.manager.paused, self.manager.revoked = data.draw(FLAGS)

    def switch(self, data: st.DataObject) -> None:
        paused, draining, _ = data.draw(FLAGS)
        self.handle(e.SwitchesSet(paused=paused, draining=draining))
        if paused or draining:
            assert self.state.closed(self.now) is not None
            assert not self.state.claiming

    def take_along(self, data: st.DataObject) -> None:
        self.handle(e.OfflineRequested(DAYS, data.draw(st.integers(1, 4))))

    def fail(self, data: st.DataObject) -> None:
        """A run cannot be computed here, and is given back whether or not the Manager takes note."""
        running = [lease for lease in self.state.unfinished if lease.state is RunState.RUNNING]
        if running:
            lease = data.draw(st.sampled_from(running))
            self.handle(e.RunFailed(self.now, "cannot_run"))
            row = self.rows.pop(lease.run_id)
            if data.draw(st.booleans()):
                self.manager.release(row)
            self.handle(e.RunEnded(lease.run_id))

    def kill(self, _data: st.DataObject) -> None:
        self.start()

    def stop(self, data: st.DataObject) -> None:
        """A signal; the process ends after its grace, and another one is started."""
        heard = data.draw(st.booleans())
        for request in self.awaited(e.SendClaim):
            request.awaited = False
            self.handle(e.ClaimFailed(may_have_leased=True))
        self.handle(e.StopRequested(), heard=heard)
        assert self.state.closed(self.now) == "stopping"
        self.handle(e.GraceEnded(), heard=heard)
        assert not self.state.busy
        self.start()

    # ------------------------------------------------------------------------------------------------------ invariants

    @invariant()
    def nothing_that_is_held_was_taken_back(self) -> None:
        held = {lease.token for lease in self.rows.values()}
        on_their_way = {token for one in self.awaited(e.SendClaim) for _, _, token in one.reply or ()}
        assert not (held | on_their_way) & set(self.manager.taken_back)

    @invariant()
    def rows_and_state_agree(self) -> None:
        if self.process:
            assert {key: lease.state for key, lease in self.rows.items()} == {
                key: lease.state for key, lease in self.state.leases.items()
            }

    @invariant()
    def results_count_once(self) -> None:
        assert all(batch.saved == (batch.state == "done") for batch in self.manager.batches.values())

    @invariant()
    def only_who_has_nothing_leaves(self) -> None:
        if self.process and self.state.may_leave:
            assert self.state.drain is Drain.LEAVING
            assert not self.rows

    def teardown(self) -> None:
        """Once faults stop and everybody may work again, every batch is computed and nothing stays leased."""
        if not self.process:
            return
        self.manager.drain = self.manager.paused = self.manager.revoked = False
        for request in self.awaited():
            self.time_out(request)
        self.handle(e.SwitchesSet(paused=False, draining=False))
        for _ in range(20):
            self.now += 1000.0
            self.round()
        assert {batch.state for batch in self.manager.batches.values()} <= {"done", "cancelled"}
        assert self.rows == {}

    def round(self) -> None:
        """One turn of every loop, all of it answered."""
        (pulse,) = self.handle(e.HeartbeatDue())
        self.handle(replace(self.manager.heartbeat(pulse), now=self.now, sent=self.now))
        claim = self.handle(e.ClaimDue(self.now, SLOTS))
        if claim:
            self.reply(Request(claim[0], reply=self.manager.claim(claim[0])))
        for lease in self.state.unfinished:
            if self.state.holds(lease.run_id, self.now):
                self.rows[lease.run_id].state = RunState.KEPT
                self.handle(e.RunStarted(lease.run_id))
                self.handle(e.RunKept(lease.run_id))
        for lease in self.state.undelivered:
            self.manager.save(lease)
            del self.rows[lease.run_id]
            self.handle(e.RunEnded(lease.run_id))


WorkerAndManager.TestCase.settings = settings(
    max_examples=150, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
TestWorkerAndManager = WorkerAndManager.TestCase
