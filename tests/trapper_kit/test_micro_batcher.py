"""Micro-batching: each caller gets its own value, an error is its own item's, a cancelled caller costs nobody."""

import asyncio
from collections.abc import Sequence

import pytest

from trapper_kit.micro_batcher import MicroBatcher


async def test_concurrent_calls_are_run_as_one_batch() -> None:
    batches: list[list[int]] = []
    go = asyncio.Event()

    async def double(numbers: Sequence[int]) -> list[int]:
        batches.append(list(numbers))
        await go.wait()
        return [2 * number for number in numbers]

    batcher = MicroBatcher(double, batch_size=3)
    calls = [asyncio.create_task(batcher(number)) for number in range(6)]
    while not batches:  # noqa: ASYNC110 - one turn of the loop is enough
        await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*calls) == [0, 2, 4, 6, 8, 10]
    assert all(len(batch) <= 3 for batch in batches)
    assert len(batches) < 6


async def test_error_reaches_the_caller_of_its_item_only() -> None:
    async def halve(numbers: Sequence[int]) -> list[int]:
        if any(number % 2 for number in numbers):
            raise ValueError("odd")
        return [number // 2 for number in numbers]

    batcher = MicroBatcher(halve)
    values = await asyncio.gather(*(batcher(number) for number in (2, 4, 5, 6)), return_exceptions=True)
    assert [values[0], values[1], values[3]] == [1, 2, 3]
    assert isinstance(values[2], ValueError)
    with pytest.raises(ValueError, match="odd"):
        await batcher(7)


async def test_cancelled_caller_does_not_cancel_the_batch() -> None:
    go = asyncio.Event()

    async def wait(numbers: Sequence[int]) -> Sequence[int]:
        await go.wait()
        return numbers

    batcher = MicroBatcher(wait)
    cancelled, kept, late = (asyncio.create_task(batcher(number)) for number in (1, 2, 3))
    await asyncio.sleep(0)
    cancelled.cancel()
    late.cancel()
    go.set()
    assert await kept == 2
    assert await batcher(4) == 4


async def test_call_right_after_a_reply_starts_a_new_batch() -> None:
    """The runner has just found nothing to do, and has not ended yet."""

    async def same(numbers: Sequence[int]) -> Sequence[int]:
        return numbers

    batcher = MicroBatcher(same)
    async with asyncio.timeout(60):
        assert [await batcher(number) for number in range(5)] == [0, 1, 2, 3, 4]


async def test_too_few_values_are_an_error_of_every_call() -> None:
    async def lose_one(numbers: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0)
        return numbers[1:]

    batcher = MicroBatcher(lose_one)
    async with asyncio.timeout(60):
        values = await asyncio.gather(*(batcher(number) for number in range(3)), return_exceptions=True)
    assert [type(answer) for answer in values] == [ValueError] * 3
