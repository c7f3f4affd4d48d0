"""Transitions of the worker state, one by one; the random walk against a model is in test_state_machine.py."""

from uuid import UUID

import pytest

from ai_worker.leases import events as e
from ai_worker.leases.runs import Lease, RunState
from ai_worker.leases.state import MOST_LEASES_NAMED, Drain, Limits, WorkerState

WAKE_CLAIM, WAKE_BEAT, WAKE_RUN = e.Wake("batches.claim"), e.Wake("heartbeats.beat"), e.Wake("batches.run")


def lease(number: int = 1, *, batch: int | None = None, attempt: int = 1, **more) -> Lease:
    return Lease(UUID(int=number), UUID(int=batch or 100 + number), attempt, f"token-{number}", 4, 60.0, **more)


def answer(pulse: e.SendHeartbeat, **more) -> e.HeartbeatAnswered:
    values = {"now": 0.0, "number": pulse.number, "newest": pulse.number, "sent": 0.0, "renewed": {}, **more}
    return e.HeartbeatAnswered(**values)


def heartbeat(state: WorkerState) -> e.SendHeartbeat:
    (pulse,) = state.handle(e.HeartbeatDue())
    assert isinstance(pulse, e.SendHeartbeat)
    return pulse


def settled(*leases: Lease, limits: Limits | None = None, **reply) -> WorkerState:
    """A state after its first heartbeat was answered."""
    state = WorkerState(limits or Limits())
    state.handle(e.Recovered(leases))
    state.handle(answer(heartbeat(state), **reply))
    return state


def claim(state: WorkerState, *, slots: int = 2, now: float = 0.0, **more) -> list[e.Action]:
    return state.handle(e.ClaimDue(now, slots, **more))


def test_no_claim_is_sent_before_the_first_heartbeat_of_a_process_is_answered() -> None:
    state = WorkerState()
    assert claim(state) == [WAKE_BEAT]
    pulse = heartbeat(state)
    assert pulse.complete
    assert claim(state) == [], "a complete heartbeat is under way"
    assert WAKE_CLAIM in state.handle(answer(pulse))
    assert claim(state) == [e.SendClaim(2, None)]


def test_one_claim_at_a_time_and_heartbeats_beside_it_are_not_complete() -> None:
    state = settled()
    claim(state)
    assert claim(state) == []
    assert not heartbeat(state).complete


def test_a_heartbeat_beside_a_claim_is_followed_by_a_complete_one_before_the_next_claim() -> None:
    state = settled()
    claim(state)
    state.handle(answer(heartbeat(state)))
    state.handle(e.ClaimFinished())
    assert claim(state) == [WAKE_BEAT]
    state.handle(answer(heartbeat(state)))
    assert claim(state) == [e.SendClaim(2, None)]


def test_a_claim_without_a_reply_is_settled_by_a_complete_heartbeat() -> None:
    state = settled()
    claim(state)
    assert state.handle(e.ClaimFailed(may_have_leased=True)) == [WAKE_BEAT]
    assert claim(state) == [WAKE_BEAT]
    state.handle(answer(heartbeat(state)))
    assert claim(state) == [e.SendClaim(2, None)]


def test_a_claim_that_was_refused_needs_no_settling() -> None:
    state = settled()
    claim(state)
    assert state.handle(e.ClaimFailed(may_have_leased=False)) == []
    assert claim(state) == [e.SendClaim(2, None)]


def test_a_complete_heartbeat_without_an_answer_may_still_arrive_and_is_overtaken_first() -> None:
    state = settled()
    state.handle(e.HeartbeatFailed(heartbeat(state).number))
    assert claim(state) == [WAKE_BEAT]
    state.handle(answer(heartbeat(state)))
    assert claim(state) == [e.SendClaim(2, None)]


def test_of_two_heartbeats_under_way_the_older_one_settles_nothing_that_opened_after_it() -> None:
    state = WorkerState()
    first, second = heartbeat(state), heartbeat(state)
    state.handle(e.HeartbeatFailed(second.number))
    state.handle(answer(first))
    assert claim(state) == [WAKE_BEAT]


def test_a_manager_that_has_counted_further_corrects_the_number() -> None:
    state = WorkerState()
    assert WAKE_BEAT in state.handle(answer(heartbeat(state), newest=41))
    assert claim(state) == [WAKE_BEAT]
    pulse = heartbeat(state)
    assert pulse.number == 42
    state.handle(answer(pulse))
    assert claim(state) == [e.SendClaim(2, None)]


def test_an_answer_that_comes_twice_is_ignored() -> None:
    state = settled()
    pulse = heartbeat(state)
    state.handle(answer(pulse))
    assert state.handle(answer(pulse, drain=True)) == []
    assert state.drain is Drain.NONE


def test_with_more_leases_than_a_heartbeat_can_name_none_is_complete() -> None:
    state = settled(*(lease(number, state=RunState.KEPT) for number in range(1, MOST_LEASES_NAMED + 2)))
    pulse = heartbeat(state)
    assert (len(pulse.leases), pulse.complete) == (MOST_LEASES_NAMED, False)


def test_of_two_attempts_of_a_batch_the_last_is_named() -> None:
    state = settled(lease(1, batch=7, state=RunState.KEPT), lease(2, batch=7, attempt=2))
    assert [named.run_id.int for named in heartbeat(state).leases] == [2]


def test_a_batch_that_is_leased_again_ends_its_former_run_and_a_known_attempt_is_skipped() -> None:
    former = lease(1, batch=7)
    state = settled(former)
    claim(state)
    newer = lease(2, batch=7, attempt=2)
    assert state.handle(e.ClaimAnswered(0.0, (newer, lease(3, batch=7)))) == [
        e.EndRun(former.run_id, "lost"),
        e.TakeLease(newer),
    ]


def test_what_a_reply_brings_after_the_claims_were_closed_is_returned() -> None:
    state = settled()
    claim(state)
    assert state.handle(e.SwitchesSet(paused=True, draining=False)) == [e.AbortClaim("paused")]
    assert state.handle(e.ClaimAnswered(0.0, (lease(),))) == [e.ReturnLease(lease(), "draining")]


def test_a_lease_that_cannot_be_written_is_returned_and_holds_the_claims() -> None:
    state = settled(limits=Limits(pause=10.0))
    claim(state)
    assert e.ReturnLease(lease(), "disk_full") in state.handle(e.LeaseNotWritten(0.0, lease(), "disk_full"))
    assert (state.closed(9.0), state.closed(11.0)) == ("disk full", None)


def test_renewed_leases_last_longer_and_lost_ones_end() -> None:
    state = settled(lease(1), lease(2), lease(3), lease(4, state=RunState.KEPT))
    pulse = heartbeat(state)
    batches = [named.batch_id for named in pulse.leases]
    actions = state.handle(
        answer(pulse, sent=50.0, renewed={batches[0]: 60.0}, lost=(batches[1], batches[3]), cancelled=(batches[2],))
    )
    assert state.holds(UUID(int=1), 109.0)
    assert not state.holds(UUID(int=1), 111.0)
    assert [one for one in actions if isinstance(one, e.EndRun)] == [
        e.EndRun(UUID(int=2), "lost"),
        e.EndRun(UUID(int=3), "cancelled"),
    ]


def test_an_order_to_drain_makes_a_running_worker_leave_once_it_has_nothing() -> None:
    state = settled(lease())
    claim(state)
    assert e.AbortClaim("draining") in state.handle(answer(heartbeat(state), drain=True))
    state.handle(e.ClaimFailed(may_have_leased=True))
    assert (state.drain, state.may_leave) == (Drain.LEAVING, False)
    state.handle(e.RunKept(UUID(int=1)))
    assert not state.may_leave, "a result waits"
    state.handle(e.RunEnded(UUID(int=1)))
    assert state.may_leave
    state.handle(answer(heartbeat(state)))
    assert (state.drain, state.may_leave) == (Drain.NONE, False)


def test_a_worker_that_starts_under_an_order_to_drain_waits() -> None:
    state = settled(drain=True)
    assert (state.drain, state.may_leave, state.closed(0.0)) == (Drain.STANDING, False, "draining")
    state.handle(answer(heartbeat(state), drain=True))
    assert not state.may_leave


@pytest.mark.parametrize("event", [e.HeartbeatFailed(1, unauthorized=True), e.ClaimFailed(False, unauthorized=True)])
def test_a_refused_credential_closes_the_claims_until_a_heartbeat_is_answered(event: e.Event) -> None:
    state = settled()
    claim(state)
    state.handle(event)
    assert state.closed(0.0) == "credential not valid"
    state.handle(answer(heartbeat(state)))
    assert state.closed(0.0) is None


def test_pauses_after_failed_runs_double_up_to_ten_minutes_and_a_kept_result_ends_the_series() -> None:
    state = settled(lease(), limits=Limits(pause=10.0))
    pauses = []
    for _ in range(8):
        state.handle(e.RunFailed(0.0, "cannot_run"))
        pauses.append(state.held_until)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600]
    state.handle(e.RunKept(UUID(int=1)))
    assert state.failures == 0


def test_an_offline_request_takes_what_it_names_and_says_when_it_is_over() -> None:
    state = settled()
    claim(state)
    assert state.handle(e.OfflineRequested(3600.0, 2)) == [e.AbortClaim("other leases are wanted"), WAKE_CLAIM]
    state.handle(e.ClaimFailed(may_have_leased=False))
    assert claim(state) == [e.SendClaim(2, 3600.0)]
    taken = (lease(1, offline=True), lease(2, offline=True))
    state.handle(e.ClaimAnswered(0.0, taken))
    for one in taken:
        state.handle(e.LeaseTaken(one))
    state.handle(e.ClaimFinished())
    assert state.offline_request is not None
    assert state.offline_request.over == "everything that was asked for is taken"
    assert claim(state, slots=16) == [], "no batch is taken beside them whose lease needs a link"


def test_an_offline_request_ends_when_nothing_waits_or_the_cache_is_full() -> None:
    state = settled()
    state.handle(e.OfflineRequested(3600.0, 2))
    claim(state)
    state.handle(e.ClaimAnswered(0.0, ()))
    assert state.offline_request is not None
    assert state.offline_request.over == "no more batches wait at the Manager"
    state.handle(e.ClaimFinished())
    state.handle(e.OfflineRequested(3600.0, 2))
    assert claim(state, cache_full=True) == []
    assert state.offline_request.over.startswith("the cache is full")
    assert claim(state, cache_full=True) == []


def test_a_machine_that_is_always_offline_asks_for_such_leases_each_time() -> None:
    state = settled(limits=Limits(offline_seconds=7200.0, offline_batches=5))
    assert claim(state) == [e.SendClaim(5, 7200.0)]


def test_a_full_disk_holds_the_claims_for_a_pause() -> None:
    state = settled(limits=Limits(pause=10.0))
    assert claim(state, full="spool full") == []
    assert state.closed(9.0) == "spool full"
    assert claim(state, now=11.0) == [e.SendClaim(2, None)]


def test_stopping_releases_what_waits_parks_what_is_offline_and_lets_the_rest_finish() -> None:
    state = settled(lease(1), lease(2, offline=True), lease(3))
    state.handle(e.RunStarted(UUID(int=3)))
    assert state.handle(e.StopRequested()) == [e.ReleaseRun(UUID(int=1)), e.ParkRun(UUID(int=2))]
    assert state.closed(0.0) == "stopping"
    state.handle(e.RunParked(UUID(int=1)))  # nobody answered
    state.handle(e.RunParked(UUID(int=2)))
    assert state.busy
    assert state.handle(e.GraceEnded()) == [e.ReleaseRun(UUID(int=3))]
    state.handle(e.RunEnded(UUID(int=3)))
    assert not state.busy


def test_a_kept_result_is_never_parked_or_computed_again() -> None:
    state = settled(lease(state=RunState.KEPT))
    state.handle(e.RunStarted(UUID(int=1)))
    state.handle(e.RunParked(UUID(int=1)))
    assert [kept.state for kept in state.undelivered] == [RunState.KEPT]


def test_resuming_wakes_the_claims() -> None:
    state = settled()
    state.handle(e.SwitchesSet(paused=True, draining=True))
    assert state.handle(e.SwitchesSet(paused=False, draining=False)) == [WAKE_CLAIM]


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(TypeError, match="str is no event"):
        WorkerState().handle("look")  # type: ignore[arg-type]
