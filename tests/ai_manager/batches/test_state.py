"""What a loss does, without any machinery."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ai_manager.batches.state import BatchState, Loss, Past, add_loss, after_loss


def _after(past: Past, *losses: Loss) -> tuple[Past, BatchState]:
    for loss in losses:
        past = add_loss(past, loss)
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


LOSSES = some.sampled_from(list(Loss))


@given(size=some.integers(1, 600), losses=some.lists(LOSSES, max_size=40), allowed=some.integers(1, 10))
def test_the_rules_hold_after_any_history(size: int, losses: list[Loss], allowed: int) -> None:
    past, state = Past(size), BatchState.WAITING
    counted = crashes = row = 0
    for loss in losses:
        row = row + 1 if loss is Loss.EXPIRED else 0
        crash = loss is Loss.DIED or row == 2
        row = 0 if crash else row
        crashes += crash
        counted += not crash and loss is not Loss.DRAINED
        past = add_loss(past, loss)
        state = after_loss(past, losses_allowed=allowed)
        assert (past.size, past.crashes, past.losses) == (size, crashes, counted)
        if size > 1 and crashes:
            assert state is BatchState.SPLIT, "a crash halves what can be halved"
        elif crashes > 1 or counted >= allowed:
            assert state is BatchState.EXHAUSTED, "nothing goes on for ever"
        else:
            assert state is BatchState.WAITING
        if state is not BatchState.WAITING:
            break


@given(size=some.integers(1, 64), poison=some.data())
def test_a_poison_file_ends_alone_after_few_crashes(size: int, poison: some.DataObject) -> None:
    bad = poison.draw(some.integers(0, size - 1))
    first, count, crashes = 0, size, 0
    past = Past(count)
    while True:
        past = add_loss(past, Loss.DIED)
        crashes += 1
        state = after_loss(past, losses_allowed=5)
        if state is BatchState.EXHAUSTED:
            break
        if state is BatchState.SPLIT:
            half = count // 2
            first, count = (first, half) if bad < first + half else (first + half, count - half)
            past = Past(count)
    assert (first, count) == (bad, 1)
    assert crashes <= size.bit_length() + 2
