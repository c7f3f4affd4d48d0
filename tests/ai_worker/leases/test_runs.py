"""What may follow what in the life of a batch here, and how a kept result ends."""

from itertools import pairwise

import pytest

from ai_worker.leases.runs import HELD, OVER, RunState, before, kills_workers, may_become
from ai_worker.results.state import KeptState, after_refusal


def test_a_run_goes_from_leased_to_delivered_and_never_back() -> None:
    way = [RunState.LEASED, RunState.RUNNING, RunState.KEPT, RunState.DELIVERED]
    assert all(may_become(now, then) for now, then in pairwise(way))
    assert not may_become(RunState.KEPT, RunState.RUNNING)
    assert not any(may_become(over, then) for over in OVER for then in RunState)


@pytest.mark.parametrize("now", HELD)
def test_whatever_is_held_may_be_given_back(now: RunState) -> None:
    assert may_become(now, RunState.RELEASED)


def test_a_step_that_failed_may_be_taken_up_again() -> None:
    assert set(before(RunState.RUNNING)) == {RunState.LEASED, RunState.RUNNING}


def test_a_batch_that_keeps_ending_the_process_is_told_from_one_bad_day() -> None:
    assert not kills_workers(1, allowed=5)
    assert kills_workers(5, allowed=5)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (404, KeptState.LOST),
        (409, KeptState.LOST),
        (410, KeptState.CANCELLED),
        (413, KeptState.REFUSED),
        (422, KeptState.REFUSED),
        (401, KeptState.WAITING),
        (429, KeptState.WAITING),
        (500, KeptState.WAITING),
        (503, KeptState.WAITING),
    ],
)
def test_only_final_answers_end_a_result(status: int, state: KeptState) -> None:
    assert after_refusal(status) is state
