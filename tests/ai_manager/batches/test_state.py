"""What a loss does, without any machinery."""

import pytest

from ai_manager.batches.state import BatchState, Loss, Past, after_loss, lose


def _after(past: Past, *losses: Loss) -> tuple[Past, BatchState]:
    for loss in losses:
        past = lose(past, loss)
    return past, after_loss(past, losses_allowed=5)


def test_leaving_in_good_order_costs_nothing() -> None:
    assert _after(Past(8), *[Loss.DRAINED] * 20) == (Past(8), BatchState.WAITING)


def test_the_second_silence_in_a_row_is_taken_for_a_crash_and_halves_the_batch() -> None:
    assert _after(Past(8), Loss.EXPIRED)[1] is BatchState.WAITING
    assert _after(Past(8), Loss.EXPIRED, Loss.EXPIRED) == (Past(8, losses=1, crashes=1), BatchState.SPLIT)


def test_silences_with_something_else_between_them_are_losses_only() -> None:
    past, state = _after(Past(8), Loss.EXPIRED, Loss.RELEASED, Loss.EXPIRED)
    assert (past.losses, past.crashes, state) == (3, 0, BatchState.WAITING)


def test_a_batch_of_one_ends_at_its_second_crash() -> None:
    assert _after(Past(1), Loss.DIED)[1] is BatchState.WAITING
    assert _after(Past(1), Loss.DIED, Loss.DIED)[1] is BatchState.EXHAUSTED


@pytest.mark.parametrize(("count", "state"), [(4, BatchState.WAITING), (5, BatchState.EXHAUSTED)])
def test_five_losses_exhaust(count: int, state: BatchState) -> None:
    assert _after(Past(8), *[Loss.RELEASED] * count)[1] is state


def test_a_crash_splits_however_many_losses_there_were() -> None:
    assert _after(Past(8, losses=5), Loss.DIED)[1] is BatchState.SPLIT
