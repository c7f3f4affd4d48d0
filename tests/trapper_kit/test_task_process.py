"""Nothing in a task process dies unseen: parts end it, sweeps survive, and its page says how they are doing."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.background import BackgroundWork, background_work, running_process, until, until_true
from tests.trapper_kit import failing_process
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.valkey import EmbeddedValkey
from trapper_kit.broker import QueueTaskSender, TaskBook, open_broker
from trapper_kit.cron import note_progress
from trapper_kit.db import Database, TaskMessage, asyncpg_url
from trapper_kit.settings import ConnectionLimits, SettingsRefused

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    """With two connections, and little patience when both are in use."""
    made = Database(create_async_engine(asyncpg_url(postgres.url()), pool_size=2, max_overflow=0, pool_timeout=0.1))
    yield made
    await made.close()


@pytest.mark.parametrize("way", failing_process.WAYS)
def test_part_that_is_killed_from_inside_is_logged_and_ends_the_process(way: str, postgres: EmbeddedPostgres) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", failing_process.__name__, way, postgres.url()],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    lines = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["event"] in {"part.ended", "process.ended"}]
    assert line["level"] == "error"
    assert line.get("part", "broken") == "broken"
    assert line["trace"]


async def test_sweep_survives_an_exhausted_pool(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    work, book = background_work(database), TaskBook()

    @book("things.sweep", every="intervals.sweep")
    async def sweep(work: BackgroundWork) -> None:
        async with work.db() as db:
            await db.execute(text("select 1"))
        work.happened.set()

    with caplog.at_level("INFO"):
        async with running_process(book, work) as process:
            await until(work.happened)
            async with database.engine.connect():
                record = process.sweeps.records[1]
                await until_true(lambda: record.failures > 0)
            work.happened.clear()
            await until(work.happened)
    failed = [record for record in caplog.records if record.getMessage() == "sweep.failed"]
    assert failed
    assert "QueuePool limit" in str(failed[0].exc_info)


async def test_leader_survives_an_exhausted_pool(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    work, book = background_work(database), TaskBook()

    @book("things.sweep", every="intervals.sweep")
    async def sweep(work: BackgroundWork) -> None:
        work.happened.set()

    with caplog.at_level("INFO"):
        async with database.engine.connect(), database.engine.connect(), running_process(book, work) as process:
            while not process.sweeps.records[0].failures:  # noqa: ASYNC110 - it tries by itself
                await asyncio.sleep(0.02)
        work.happened.clear()
        async with running_process(book, work):
            await until(work.happened)
    assert "sweeps.interrupted" in [record.getMessage() for record in caplog.records]


async def test_ended_thread_ends_the_process(valkey: EmbeddedValkey, database: Database) -> None:
    work, book = background_work(database, valkey.url), TaskBook()
    async with running_process(book, work) as process:
        await until_true(lambda: process.worker is not None)
        assert process.worker is not None
        process.worker.workers[0].stop()
        await asyncio.wait_for(process.ended.wait(), 30)
        assert not process.stopping.is_set()


async def test_page_tells_of_sweeps_and_the_queue(valkey: EmbeddedValkey, database: Database) -> None:
    work, book = background_work(database, valkey.url), TaskBook()

    @book("things.sweep", every="intervals.sweep")
    async def sweep(work: BackgroundWork) -> None:
        work.happened.set()

    @book("things.stalled", every="intervals.redelivery")
    async def stalled(_: BackgroundWork) -> None:
        note_progress()
        raise RuntimeError("never a good turn")

    @book("things.refuse", max_retries=0)
    async def refuse(_: BackgroundWork) -> None:
        raise RuntimeError("a dead letter")

    async with running_process(book, work, namespace="page") as process:
        await until(work.happened)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.port}", timeout=30) as page:
            assert (await page.get("/healthz")).status_code == 200
            ready = await page.get("/readyz")
            assert ready.json() == {"status": "ready", "leader": True, "queue": "configured"}
            broker = open_broker(work.settings, "page")
            assert broker is not None
            sender = QueueTaskSender(broker)
            sender([TaskMessage("things.refuse")])
            async with asyncio.timeout(60):
                dead = 'trapper_queue_messages{service="page",state="dead"} 1.0'
                while dead not in (await page.get("/metrics")).text:  # noqa: ASYNC110 - a thread counts
                    await asyncio.sleep(0.05)
            await sender.close()
            metrics = (await page.get("/metrics")).text
            assert 'trapper_sweeps_leader{service="page"} 1.0' in metrics
            assert 'trapper_sweep_turns_total{service="page",task="things.sweep"}' in metrics
            assert 'trapper_sweep_turns_total{service="page",task="things.stalled"} 0.0' in metrics
            assert 'trapper_sweep_idle_seconds{service="page",task="things.sweep"}' in metrics

            (record,) = [record for record in process.sweeps.records if record.name == "things.stalled"]
            record.good_at -= 3600
            assert (await page.get("/readyz")).status_code == 200, "it has just made progress"
            record.progress_at -= 3600
            stale = await page.get("/readyz")
            assert stale.status_code == 503
            assert stale.json()["detail"].startswith("things.stalled had its last good turn 36")


async def test_page_has_the_limits_and_networks_of_the_settings(database: Database) -> None:
    limits = ConnectionLimits(header_seconds=0.3, header_bytes=1024)
    work = background_work(database, connections=limits, metrics_networks=["203.0.113.0/24"])
    async with running_process(TaskBook(), work) as process:
        await until_true(lambda: process.port is not None)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.port}", timeout=30) as page:
            assert (await page.get("/healthz")).status_code == 200
            assert (await page.get("/metrics")).status_code == 404
            assert (await page.get("/healthz", headers={"X-A": "a" * 2000})).status_code == 431
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
        writer.write(b"GET /healthz HTT")
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 408")
        writer.close()


async def test_address_in_use_is_refused_with_a_sentence(database: Database) -> None:
    book = TaskBook()
    async with running_process(book, background_work(database)) as first:
        await until_true(lambda: first.port is not None)
        second = background_work(database, tasks_address=f"127.0.0.1:{first.port}")
        with pytest.raises(SettingsRefused, match=f"cannot listen on 127.0.0.1:{first.port}: Address already in use"):
            async with running_process(book, second):
                await asyncio.sleep(0)
