"""Tasks, sweeps and notifications on a real Valkey and a real PostgreSQL: late, twice or never, and still done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from redis import Redis

from tests.support.background import BackgroundWork, background_work, running_process, until
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.valkey import EmbeddedValkey
from trapper_kit.broker import QueueTaskSender, TaskBook, make_broker
from trapper_kit.cron import Sweeps
from trapper_kit.db import Database, TaskMessage, enqueue_after_commit
from trapper_kit.notifications import NotificationListener, QueueNotifier
from trapper_schemas.ids import uuid7
from trapper_schemas.notifications import NAMESPACE, RUN_BATCH_PREDICTION


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    made = Database.connect(postgres.url())
    yield made
    await made.close()


def sender_of(url: str, namespace: str) -> QueueTaskSender:
    return QueueTaskSender(make_broker(url, namespace=namespace, redelivery=0.5, max_backoff=0.2))


async def test_message_is_sent_after_the_commit_and_runs_its_task(valkey: EmbeddedValkey, database: Database) -> None:
    work, book, namespace = background_work(database, valkey.url), TaskBook(), f"t{uuid7().hex}"

    @book("things.look")
    async def look(work: BackgroundWork, thing_id: str) -> None:
        work.seen.append(thing_id)
        work.happened.set()

    sender = database.task_sender = sender_of(valkey.url, namespace)
    async with running_process(book, work, namespace=namespace):
        async with database.begin() as db:
            enqueue_after_commit(db, "things.look", thing_id="7")
            enqueue_after_commit(db, "things.look", thing_id="7")
            assert work.seen == []
        await until(work.happened)
        assert work.seen == ["7"]
    await sender.close()


async def test_rollback_drops_the_messages(valkey: EmbeddedValkey, database: Database) -> None:
    namespace = f"t{uuid7().hex}"
    sender = database.task_sender = sender_of(valkey.url, namespace)
    with pytest.raises(RuntimeError):  # noqa: PT012 - the transaction is what is tested
        async with database.begin() as db:
            enqueue_after_commit(db, "things.look", thing_id="7")
            raise RuntimeError("rolled back")
    await sender.close()
    assert Redis.from_url(valkey.url).llen(f"{namespace}:default") == 0


async def test_failing_task_is_tried_again(valkey: EmbeddedValkey, database: Database) -> None:
    work, book, namespace = background_work(database, valkey.url), TaskBook(), f"t{uuid7().hex}"

    @book("things.stumble", max_retries=3)
    async def stumble(work: BackgroundWork) -> None:
        work.seen.append("tried")
        if len(work.seen) < 2:
            raise SystemExit(0)
        work.happened.set()

    sender = sender_of(valkey.url, namespace)
    async with running_process(book, work, namespace=namespace):
        sender([TaskMessage("things.stumble")])
        await until(work.happened)
    await sender.close()


async def test_unreachable_queue_changes_nothing(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    sender = database.task_sender = sender_of("redis://127.0.0.1:1/0", "away")
    notifier = QueueNotifier("redis://127.0.0.1:1/0")
    with caplog.at_level("INFO"):
        for _ in range(3):
            async with database.begin() as db:
                enqueue_after_commit(db, "things.look", thing_id="7")
        notifier.notify("trapperai_runtime.onnx-cpu", RUN_BATCH_PREDICTION, protocol=1)
        await sender.close()
        await notifier.close()
    logged = [record.getMessage() for record in caplog.records]
    assert sorted(logged) == ["notifications.unreachable", "queue.unreachable"]


async def test_sweeps_run_in_one_process_at_a_time_and_move_on_when_it_ends(database: Database) -> None:
    first, second, book = background_work(database), background_work(database), TaskBook()

    @book("things.sweep", every="intervals.sweep")
    async def sweep(work: BackgroundWork) -> None:
        work.seen.append(1)
        work.happened.set()
        raise RuntimeError("a sweep that fails runs again")

    name = f"s{uuid7().hex}"

    def started(work: BackgroundWork) -> tuple[Sweeps, asyncio.Task[None]]:
        sweeps = Sweeps(book, work, database, service=name, settings=work.settings)
        return sweeps, asyncio.create_task(sweeps.run())

    leader, leading = started(first)
    await until(first.happened)
    follower, following = started(second)
    for _ in range(5):  # the second has had every chance meanwhile
        first.happened.clear()
        await until(first.happened)
    assert second.seen == []
    assert (leader.is_leader, follower.is_leader) == (True, False)
    leading.cancel()
    with suppress(asyncio.CancelledError):
        await leading
    await until(second.happened)
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


async def test_one_notification_is_outstanding_until_it_is_received(valkey: EmbeddedValkey) -> None:
    loop, received = asyncio.get_running_loop(), asyncio.Event()
    arguments: list[dict[str, Any]] = []
    queue = f"trapperai_runtime.r{uuid7().hex}"
    notifier = QueueNotifier(valkey.notifications_url)
    for _ in range(5):
        notifier.notify(queue, RUN_BATCH_PREDICTION, protocol=1, runtime="onnx-cpu")
        await asyncio.sleep(0.03)
    await notifier.close()
    assert Redis.from_url(valkey.url).llen(f"{NAMESPACE}:{queue}") == 1

    def receive(**given: Any) -> None:
        arguments.append(given)
        loop.call_soon_threadsafe(received.set)

    notifier = QueueNotifier(valkey.notifications_url)
    listener = NotificationListener(valkey.notifications_url, queue, RUN_BATCH_PREDICTION, receive)
    listener.start()
    try:
        assert listener.is_alive
        await until(received)
        received.clear()
        notifier.notify(queue, RUN_BATCH_PREDICTION, protocol=1, runtime="onnx-cpu")
        await until(received)
        assert arguments == [{"protocol": 1, "runtime": "onnx-cpu"}] * 2
    finally:
        await asyncio.to_thread(listener.stop)
        await notifier.close()
    assert not listener.is_alive
