"""`trapper doctor` fails while a sweep of a task process has no good turn, and says which."""

import asyncio

from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.background import BackgroundWork, background_work, running_process, until
from trapper_cli.doctor import check_sweeps
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_kit.broker import TaskBook
from trapper_kit.db import Database, asyncpg_url


async def test_stale_sweep_is_a_failed_check_with_its_name_and_log(postgres: EmbeddedPostgres) -> None:
    database = Database(create_async_engine(asyncpg_url(postgres.url()), pool_size=2))
    work, book = background_work(database), TaskBook()

    @book("things.sweep", every="intervals.sweep")
    async def sweep(work: BackgroundWork) -> None:
        work.happened.set()
        await asyncio.sleep(3600)

    async with running_process(book, work) as process:
        await until(work.happened)
        seen = {"urls": {"expert-tasks": f"http://127.0.0.1:{process.port}"}, "logs": "/logs"}
        (check,) = await asyncio.to_thread(lambda: list(check_sweeps(seen)))
        assert (check["ok"], check["detail"]) == (True, "")
        (record,) = [record for record in process.sweeps.records if record.name == "things.sweep"]
        record.good_at -= 3600
        record.progress_at -= 3600
        (check,) = await asyncio.to_thread(lambda: list(check_sweeps(seen)))
    await database.close()
    assert not check["ok"]
    assert check["name"] == "expert-tasks: every sweep succeeded lately"
    assert "things.sweep had its last good turn 36" in check["detail"]
    assert check["detail"].endswith("Look for `sweep.failed` in /logs/expert-tasks.log.")
