"""Tasks, sweeps and notifications on a real Valkey and a real PostgreSQL: late, twice or never, and still done."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from trapper_cli.postgres import EmbeddedPostgres
from trapper_cli.valkey import EmbeddedValkey
from trapper_kit.broker import QueueTaskSender, TaskBook, TaskProcess, make_broker
from trapper_kit.cron import run_sweeps
from trapper_kit.db import Database, TaskMessage, enqueue_after_commit
from trapper_kit.notifications import NotificationListener, QueueNotifier
from trapper_kit.settings import Intervals
from trapper_schemas.ids import uuid7
from trapper_schemas.notifications import RUN_BATCH_PREDICTION


@dataclass
class World:
    """What the tasks of these tests are given."""

    seen: list[Any] = field(default_factory=list)
    happened: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Settings:
    """Intervals at 1/50."""

    intervals: Intervals = field(default_factory=lambda: Intervals().scaled(0.02))


async def until(event: asyncio.Event, seconds: float = 60) -> None:
    """Wait for something that must happen."""
    await asyncio.wait_for(event.wait(), seconds)


@pytest.fixture
async def database(postgres: EmbeddedPostgres) -> AsyncIterator[Database]:
    made = Database.connect(postgres.url())
    yield made
    await made.close()


def broker_of(valkey: EmbeddedValkey, namespace: str) -> Any:
    return make_broker(valkey.url, namespace=namespace, redelivery=0.5, max_backoff=0.2)


async def running(process: TaskProcess) -> asyncio.Task[None]:
    task = asyncio.create_task(process.run())
    await asyncio.sleep(0)
    return task


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_notification_is_rung_after_the_commit_and_runs_its_task(
    valkey: EmbeddedValkey, database: Database
) -> None:
    world, book, namespace = World(), TaskBook(), f"t{uuid7().hex}"

    @book("things.look")
    async def look(work: World, thing_id: str) -> None:
        work.seen.append(thing_id)
        work.happened.set()

    database.task_sender = QueueTaskSender(broker_of(valkey, namespace))
    process = await running(TaskProcess(book, broker_of(valkey, namespace), world, service="test", threads=2))
    try:
        async with database.begin() as db:
            enqueue_after_commit(db, "things.look", thing_id="7")
            enqueue_after_commit(db, "things.look", thing_id="7")
            assert world.seen == []
        await until(world.happened)
        assert world.seen == ["7"]
    finally:
        await ended(process)


async def test_an_error_drops_the_notifications_with_the_rows(valkey: EmbeddedValkey, database: Database) -> None:
    broker = broker_of(valkey, f"t{uuid7().hex}")
    database.task_sender = QueueTaskSender(broker)
    with pytest.raises(RuntimeError):  # noqa: PT012 - the transaction is what is tested
        async with database.begin() as db:
            enqueue_after_commit(db, "things.look", thing_id="7")
            raise RuntimeError("rolled back")
    assert broker.client.llen(f"{broker.namespace}:default") == 0


async def test_a_failing_task_is_tried_again(valkey: EmbeddedValkey) -> None:
    world, book, namespace = World(), TaskBook(), f"t{uuid7().hex}"

    @book("things.stumble", max_retries=3)
    async def stumble(work: World) -> None:
        work.seen.append("tried")
        if len(work.seen) < 2:
            raise RuntimeError("not yet")
        work.happened.set()

    broker = broker_of(valkey, namespace)
    process = await running(TaskProcess(book, broker, world, service="test", threads=1))
    try:
        await QueueTaskSender(broker)([TaskMessage("things.stumble")])
        await until(world.happened)
    finally:
        await ended(process)


async def test_a_queue_that_is_away_changes_nothing(database: Database) -> None:
    broker = make_broker("redis://127.0.0.1:1/0", namespace="away", redelivery=1, max_backoff=1)
    database.task_sender = QueueTaskSender(broker)
    async with database.begin() as db:
        enqueue_after_commit(db, "things.look", thing_id="7")
    await QueueNotifier("redis://127.0.0.1:1/0").notify("trapperai_runtime.onnx-cpu", RUN_BATCH_PREDICTION, protocol=1)


async def test_sweeps_run_in_one_process_at_a_time_and_move_on_when_it_ends(database: Database) -> None:
    first, second, book = World(), World(), TaskBook()

    @book("things.sweep", every="intervals.sweep")
    async def sweep(work: World) -> None:
        work.seen.append(1)
        work.happened.set()
        raise RuntimeError("a sweep that fails runs again")

    name = f"s{uuid7().hex}"
    one = asyncio.create_task(run_sweeps(book, first, database, service=name, settings=Settings()))
    await until(first.happened)
    two = asyncio.create_task(run_sweeps(book, second, database, service=name, settings=Settings()))
    for _ in range(5):  # the second has had every chance meanwhile
        first.happened.clear()
        await until(first.happened)
    assert second.seen == []
    await ended(one)
    await until(second.happened)
    await ended(two)


async def test_a_notification_between_services_is_a_level_and_comes_down_when_it_is_heard(
    valkey: EmbeddedValkey,
) -> None:
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    arguments: list[dict[str, Any]] = []
    queue = f"trapperai_runtime.r{uuid7().hex}"
    notifier = QueueNotifier(valkey.notifications_url)
    for _ in range(5):
        await notifier.notify(queue, RUN_BATCH_PREDICTION, protocol=1, runtime="onnx-cpu")
    assert notifier._broker is not None
    assert notifier._broker.client.llen(f"{notifier._broker.namespace}:{queue}") == 1

    def hear(**given: Any) -> None:
        arguments.append(given)
        loop.call_soon_threadsafe(heard.set)

    listener = NotificationListener(valkey.notifications_url, queue, RUN_BATCH_PREDICTION, hear)
    listener.start()
    try:
        await until(heard)
        heard.clear()
        await notifier.notify(queue, RUN_BATCH_PREDICTION, protocol=1, runtime="onnx-cpu")
        await until(heard)
        assert arguments == [{"protocol": 1, "runtime": "onnx-cpu"}] * 2
    finally:
        await asyncio.to_thread(listener.stop)
        await notifier.close()
