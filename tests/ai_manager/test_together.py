"""Helpings: everybody gets his own answer, an error is its causer's alone, and nobody's leaving costs the others."""

import asyncio
from collections.abc import Sequence

import pytest

from ai_manager.recent import Recent
from ai_manager.together import Together


async def test_what_gathers_meanwhile_is_done_in_one_helping() -> None:
    helpings: list[list[int]] = []
    go = asyncio.Event()

    async def double(numbers: Sequence[int]) -> list[int]:
        helpings.append(list(numbers))
        await go.wait()
        return [2 * number for number in numbers]

    together = Together(double, at_once=1, at_most=3)
    asked = [asyncio.create_task(together(number)) for number in range(6)]
    while not helpings:  # noqa: ASYNC110 - one turn of the loop is enough
        await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*asked) == [0, 2, 4, 6, 8, 10]
    assert all(len(helping) <= 3 for helping in helpings)
    assert len(helpings) < 6


async def test_an_error_reaches_only_who_causes_it() -> None:
    async def halve(numbers: Sequence[int]) -> list[int]:
        if any(number % 2 for number in numbers):
            raise ValueError("odd")
        return [number // 2 for number in numbers]

    together = Together(halve, at_once=1)
    answers = await asyncio.gather(*(together(number) for number in (2, 4, 5, 6)), return_exceptions=True)
    assert [answers[0], answers[1], answers[3]] == [1, 2, 3]
    assert isinstance(answers[2], ValueError)
    with pytest.raises(ValueError, match="odd"):
        await together(7)


async def test_who_leaves_takes_nobody_along() -> None:
    go = asyncio.Event()

    async def wait(numbers: Sequence[int]) -> Sequence[int]:
        await go.wait()
        return numbers

    together = Together(wait, at_once=1)
    leaving, staying, late = (asyncio.create_task(together(number)) for number in (1, 2, 3))
    await asyncio.sleep(0)
    leaving.cancel()
    late.cancel()
    go.set()
    assert await staying == 2
    assert await together(4) == 4


async def test_a_value_of_a_moment_ago_is_read_once_and_an_error_is_not_remembered() -> None:
    read: list[int] = []

    async def fail() -> int:
        read.append(0)
        raise ValueError("not yet")

    async def answer() -> int:
        read.append(1)
        await asyncio.sleep(0)
        return 7

    recent: Recent[str, int] = Recent(seconds=60, size=2)
    with pytest.raises(ValueError, match="not yet"):
        await recent.get("a", fail)
    assert await asyncio.gather(*(recent.get("a", answer) for _ in range(5))) == [7] * 5
    assert read == [0, 1]
    for other in ("b", "c"):
        await recent.get(other, answer)
    await recent.get("a", answer)
    assert read == [0, 1, 1, 1, 1]


async def test_who_asks_again_as_soon_as_there_is_an_answer_is_served_again() -> None:
    """The one who serves has just found that nobody waits, and has not left yet."""

    async def same(numbers: Sequence[int]) -> Sequence[int]:
        return numbers

    together = Together(same, at_once=1)
    async with asyncio.timeout(60):
        assert [await together(number) for number in range(5)] == [0, 1, 2, 3, 4]


async def test_too_few_answers_are_an_error_for_all_and_nobody_waits_for_ever() -> None:
    async def lose_one(numbers: Sequence[int]) -> Sequence[int]:
        await asyncio.sleep(0)
        return numbers[1:]

    together = Together(lose_one, at_once=1)
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*(together(number) for number in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError] * 3
