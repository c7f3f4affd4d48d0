"""A database that neither answers nor hangs up, as behind a router that forgot the connection: nothing hangs."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from ai_manager.notify import listen
from ai_manager.waiters import Waiters
from tests.support.chaos_proxy import Link, Trouble
from tests.support.workers import eventually
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_kit.broker import TaskBook
from trapper_kit.cron import run_sweeps
from trapper_kit.db import REFUSED_BY_DATABASE, Database, DatabaseUnavailable, is_away
from trapper_kit.settings import Intervals

STATEMENT_SECONDS = 2.0
"""Also how long a transaction may say nothing: a machine under load needs more than half a second between two lines."""


@pytest.fixture(autouse=True)
async def settled() -> AsyncIterator[None]:
    """Connections that were broken off close their sockets in the loop's next turns; the last test needs them too."""
    yield
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def link(postgres: EmbeddedPostgres) -> AsyncIterator[Link]:
    one = Link("to postgres", [("127.0.0.1", postgres.port)], Random(1))  # noqa: S311 - nothing is chosen by it
    await one.open()
    yield one
    await one.close()


def through(link: Link, postgres: EmbeddedPostgres) -> str:
    return postgres.url().replace(f":{postgres.port}/", f":{link.port}/")


async def test_a_statement_that_is_not_answered_ends_and_the_next_one_has_a_good_connection(
    link: Link, postgres: EmbeddedPostgres
) -> None:
    database = Database.connect(through(link, postgres), pool_size=1, statement_timeout_seconds=STATEMENT_SECONDS)
    async with database.begin() as db:
        await db.execute(text("select 1"))
    link.trouble = Trouble.BLACKHOLE
    async with asyncio.timeout(60):
        with pytest.raises(DatabaseUnavailable):
            async with database.begin() as db:
                await db.execute(text("select 1"))
    link.trouble = None
    async with asyncio.timeout(60), database.begin() as db:
        assert (await db.execute(text("select 1"))).scalar_one() == 1
    await database.close()


async def test_a_transaction_that_falls_silent_in_the_middle_ends_here_and_there(
    link: Link, postgres: EmbeddedPostgres
) -> None:
    database = Database.connect(through(link, postgres), pool_size=1, statement_timeout_seconds=STATEMENT_SECONDS)
    direct = Database.connect(postgres.url(), statement_timeout_seconds=60)

    async def fall_silent() -> None:
        async with database.begin() as db:
            await db.execute(text("select pg_advisory_xact_lock(4711)"))
            link.trouble = Trouble.BLACKHOLE
            await db.execute(text("select 1"))

    async with asyncio.timeout(60):
        with pytest.raises(DatabaseUnavailable):
            await fall_silent()
        async with direct.begin() as db:  # it does not wait for a client that is gone
            await db.execute(text("select pg_advisory_xact_lock(4711)"))
    await direct.close()
    await database.close()


def sweeping(database: Database, book: TaskBook, *, as_whom: str) -> "asyncio.Task[None]":
    settings = SimpleNamespace(intervals=Intervals(sweep=0.05, lock=0.05))
    return asyncio.create_task(run_sweeps(book, as_whom, database, service="silent", settings=settings))


async def ended(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_another_process_sweeps_when_the_one_that_did_falls_silent(
    link: Link, postgres: EmbeddedPostgres
) -> None:
    swept: list[str] = []
    book = TaskBook()

    @book("things.sweep", every="intervals.sweep")
    async def sweep(work: str) -> None:
        swept.append(work)

    first = Database.connect(through(link, postgres), statement_timeout_seconds=STATEMENT_SECONDS)
    second = Database.connect(postgres.url(), statement_timeout_seconds=STATEMENT_SECONDS)
    one = sweeping(first, book, as_whom="first")
    await eventually(lambda: "first" in swept, within=60)
    other = sweeping(second, book, as_whom="second")
    link.trouble = Trouble.BLACKHOLE
    await eventually(lambda: "second" in swept, within=60)
    await ended(one, other)
    await link.close()
    await first.close()
    await second.close()


async def test_a_step_that_mistakes_its_cancellation_for_an_error_keeps_nobody_from_sweeping(
    postgres: EmbeddedPostgres,
) -> None:
    """As a driver does that is cancelled just while its connection breaks."""
    begun: list[str] = []
    book = TaskBook()

    @book("things.stubborn", every="intervals.sweep")
    async def stubborn(_work: str) -> None:
        begun.append("stubborn")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ConnectionError("the connection was lost") from None

    database = Database.connect(postgres.url())
    task = sweeping(database, book, as_whom="the only one")
    await eventually(lambda: begun == ["stubborn"], within=60)
    holders = "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()"
    async with database.begin() as db:
        await db.execute(text(holders))
    await eventually(lambda: len(begun) > 1, within=60)
    await ended(task)
    await database.close()


async def test_who_listens_notices_that_nothing_comes_any_more(link: Link, postgres: EmbeddedPostgres) -> None:
    waiters = Waiters()
    listening = asyncio.create_task(
        listen(through(link, postgres), ("news",), waiters, retry_seconds=0.05, look_seconds=0.3)
    )
    async with waiters.waiter("news", 60) as more:
        assert await more()  # connected
        link.trouble = Trouble.BLACKHOLE
        await eventually(lambda: link.bites > 0, within=60)
        link.trouble = None
        assert await more()  # connected anew
    await ended(listening)


async def test_a_lost_connection_is_told_from_a_statement_that_was_refused(postgres: EmbeddedPostgres) -> None:
    database, other = Database.connect(postgres.url(), pool_size=1), Database.connect(postgres.url())
    with pytest.raises(DatabaseUnavailable) as lost:  # noqa: PT012 - it ends in the middle
        async with database.begin() as db:
            pid = (await db.execute(text("select pg_backend_pid()"))).scalar_one()
            async with other.begin() as killer:
                await killer.execute(text("select pg_terminate_backend(:pid)"), {"pid": pid})
            await db.execute(text("select pg_sleep(30)"))
    assert is_away(lost.value)
    for statement, values in (("select 1/0", {}), ("select cast(:n as int)", {"n": "no number"})):
        with pytest.raises(REFUSED_BY_DATABASE) as refused:
            async with database.begin() as db:
                await db.execute(text(statement), values)
        assert not is_away(refused.value)
    nowhere = Database.connect("postgresql://postgres@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable) as absent:
        await nowhere.check()
    assert is_away(absent.value)
    for one in (database, other, nowhere):
        await one.close()
