"""Waiters hold no connection and are woken by commits of any process."""

import asyncio
from contextlib import suppress

from ai_manager.notify import listen
from ai_manager.waiters import Waiters
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_kit.db import Database, notify


async def test_a_waiter_is_woken_by_a_commit_and_only_by_its_channel(postgres: EmbeddedPostgres) -> None:
    waiters = Waiters()
    listening = asyncio.create_task(listen(postgres.url(), ("news", "other"), waiters))
    database = Database.connect(postgres.url())
    try:
        async with waiters.waiter("news", 60) as listens:
            assert await listens() is True  # once it is connected, everybody looks
        async with waiters.waiter("news", 60) as more, waiters.waiter("other", 0.5) as none:
            async with database.begin() as db:
                await notify(db, "news")
            assert await more() is True
            assert await none() is False
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await database.close()


async def test_one_new_row_wakes_one_of_two_waiters() -> None:
    waiters = Waiters()
    async with waiters.waiter("news", 0.2) as first, waiters.waiter("news", 0.2) as second:
        waiters.wake("news", 1)
        assert sorted(await asyncio.gather(first(), second())) == [False, True]


async def test_news_that_is_for_somebody_else_goes_round_once() -> None:
    waiters = Waiters()
    looked: list[str] = []

    async def wait(name: str, *, taken_by: str) -> None:
        async with waiters.waiter("news", 60) as more:
            woken = await more()
            while woken:
                looked.append(name)
                if name == taken_by:
                    return
                woken = await more(pass_on=True)

    for taken_by, all_that_look in (("c", ["a", "b", "c"]), ("nobody", ["a", "b", "c", "d"])):
        looked.clear()
        waiting = [asyncio.create_task(wait(name, taken_by=taken_by)) for name in "abcd"]
        while len(waiters._waiting["news"]) < len(waiting):  # noqa: ASYNC110
            await asyncio.sleep(0)
        waiters.wake("news", 1)
        while len(looked) < len(all_that_look):  # noqa: ASYNC110
            await asyncio.sleep(0)
        for _ in range(50):  # turns of the loop, in which nobody is woken a second time
            await asyncio.sleep(0)
        assert looked == all_that_look
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
