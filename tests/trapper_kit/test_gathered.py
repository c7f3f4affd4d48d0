"""What is rung one by one goes together, each once; nobody waits, and what fails is said."""

import asyncio
from collections.abc import Sequence

import pytest

from trapper_kit.gathered import Gathered


async def test_what_is_said_in_one_moment_goes_together_and_once() -> None:
    helpings: list[Sequence[str]] = []

    async def deliver(said: Sequence[str]) -> None:
        helpings.append(said)

    gathered = Gathered(deliver)
    gathered("plan", "settle")
    gathered("plan")
    assert helpings == [], "nobody waits for it"
    await gathered.close()
    gathered("plan")
    await gathered.close()
    assert helpings == [["plan", "settle"], ["plan"]]


async def test_what_is_said_while_others_are_passed_on_follows_them() -> None:
    helpings: list[Sequence[str]] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def deliver(said: Sequence[str]) -> None:
        begun.set()
        await go_on.wait()
        helpings.append(said)

    gathered = Gathered(deliver, seconds=0)
    gathered("first")
    await begun.wait()
    gathered("second")
    gathered("first")
    go_on.set()
    await gathered.close()
    assert helpings == [["first"], ["second", "first"]]


async def test_what_cannot_be_passed_on_is_said_and_does_not_stop_the_next(caplog: pytest.LogCaptureFixture) -> None:
    helpings: list[Sequence[str]] = []

    async def deliver(said: Sequence[str]) -> None:
        if not helpings:
            helpings.append(())
            raise RuntimeError("no such queue")
        helpings.append(said)

    gathered = Gathered(deliver)
    with caplog.at_level("INFO"):
        gathered("first")
        await gathered.close()
        gathered("second")
        await gathered.close()
    assert [record.getMessage() for record in caplog.records] == ["messages.lost"]
    assert helpings == [(), ["second"]]
