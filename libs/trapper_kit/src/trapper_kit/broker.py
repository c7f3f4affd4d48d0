"""Background work: a book of tasks that a service's door declares on its own broker; nothing happens at import."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeVar

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Middleware, Retries, ShutdownNotifications
from redis.exceptions import RedisError

from trapper_kit.db import TaskMessage
from trapper_kit.logs import bound, log
from trapper_kit.metrics import TASKS

Step = Callable[..., Awaitable[None]]
S = TypeVar("S", bound=Step)
SEND_SECONDS = 2.0
MAX_AGE_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Task:
    """An actor, and a sweep when `every` names the setting that says how often."""

    name: str
    run: Step
    every: str | None = None
    max_retries: int = 10

    def seconds(self, settings: object) -> float:
        """How often the sweep runs, read from the settings by its path."""
        return float(reduce(getattr, (self.every or "").split("."), settings))  # type: ignore[arg-type]  # a path of attributes


@dataclass
class TaskBook:
    """Notes functions as tasks and returns them unchanged, so that a test awaits them directly.

    An actor's first parameter is the service's Work, the others are ids. A sweep takes Work alone: it is run by the
    process that sweeps, without a message, so a queue that is gone costs one interval and nothing else.
    """

    tasks: dict[str, Task] = field(default_factory=dict)

    def __call__(self, name: str, *, every: str | None = None, max_retries: int = 10) -> Callable[[S], S]:
        """The decorator; a name may be taken once."""

        def note(function: S) -> S:
            if name in self.tasks:
                raise ValueError(f"task {name} is declared twice")
            self.tasks[name] = Task(name, function, every, max_retries)
            return function

        return note

    def sweeps(self) -> list[Task]:
        """Those that run by themselves."""
        return [task for task in self.tasks.values() if task.every is not None]

    def declare(self, broker: dramatiq.Broker, call: Callable[[Task, dict[str, Any]], None], service: str) -> None:
        """Put every task on a broker; `call` runs one with its arguments and waits for it."""
        for task in self.tasks.values():

            def run(*, _task: Task = task, **arguments: Any) -> None:
                try:
                    call(_task, arguments)
                except Exception as problem:
                    TASKS.labels(service, _task.name, "failed").inc()
                    log("task.failed", task=_task.name, error=problem, **arguments)
                    raise
                TASKS.labels(service, _task.name, "done").inc()

            broker.declare_actor(
                dramatiq.Actor(
                    run,
                    broker=broker,
                    actor_name=task.name,
                    queue_name="default",
                    priority=0,
                    options={"max_retries": task.max_retries},
                )
            )


def make_broker(
    url: str, *, namespace: str, redelivery: float, max_backoff: float, extra: Sequence[Middleware] = ()
) -> RedisBroker:
    """A broker whose dead consumers' messages come back after `redelivery` seconds (Dramatiq's default hardly does)."""
    return RedisBroker(
        url=url,
        namespace=namespace,
        heartbeat_timeout=max(1, int(redelivery * 1000)),
        maintenance_chance=100_000,  # in a million: about every tenth command looks for dead consumers
        middleware=[
            AgeLimit(max_age=MAX_AGE_MS),
            ShutdownNotifications(),
            Retries(min_backoff=max(1, int(max_backoff * 5)), max_backoff=int(max_backoff * 1000)),
            *extra,
        ],
    )


class QueueTaskSender:
    """Enqueues inner task messages with Dramatiq; logs once when the queue does not answer, and goes on.

    One send at a time: messages that arrive meanwhile are sent together, duplicates once.
    """

    def __init__(self, broker: dramatiq.Broker) -> None:
        self.broker = broker
        self._deaf = False
        self._gathered: list[TaskMessage] = []
        self._sending = asyncio.Lock()

    async def __call__(self, messages: Sequence[TaskMessage]) -> None:
        self._gathered += [one for one in messages if one not in self._gathered]
        async with self._sending:
            if not self._gathered:
                return  # whoever was before us took ours along
            gathered, self._gathered = self._gathered, []
            await self._deliver(gathered)

    async def _deliver(self, messages: Sequence[TaskMessage]) -> None:
        try:
            await asyncio.wait_for(asyncio.to_thread(self._send, messages), SEND_SECONDS)
        except (dramatiq.errors.BrokerConnectionError, RedisError, OSError, TimeoutError) as problem:
            if not self._deaf:
                log("queue.unreachable", problem=str(problem))
            self._deaf = True
        else:
            self._deaf = False

    def _send(self, messages: Sequence[TaskMessage]) -> None:
        for one in messages:
            self.broker.declare_queue("default")
            self.broker.enqueue(
                dramatiq.Message(
                    queue_name="default", actor_name=one.actor, args=(), kwargs=dict(one.arguments), options={}
                )
            )


class TaskProcess:
    """One process that runs a book's messages on its threads, and their coroutines on its one event loop."""

    def __init__(
        self, book: TaskBook, broker: dramatiq.Broker | None, work: Any, *, service: str, threads: int
    ) -> None:
        self.book, self.broker, self.work, self.service, self.threads = book, broker, work, service, threads

    async def run(self, *others: Awaitable[None]) -> None:
        """Work until SIGTERM or SIGINT; `others` (sweeps, listeners) run beside it and end with it."""
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            if threading.current_thread() is threading.main_thread():
                loop.add_signal_handler(number, stopping.set)
        worker = self._start(loop) if self.broker is not None else None
        beside = [asyncio.ensure_future(other) for other in others]
        log("tasks.started", tasks=len(self.book.tasks), threads=self.threads if worker else 0)
        try:
            await stopping.wait()
        finally:
            for one in beside:
                one.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            if worker is not None:
                await asyncio.to_thread(worker.stop, timeout=10_000)
            log("tasks.stopped")

    def _start(self, loop: asyncio.AbstractEventLoop) -> dramatiq.Worker:
        def call(task: Task, arguments: dict[str, Any]) -> None:
            async def within() -> None:
                with bound(task=task.name, **arguments):
                    await task.run(self.work, **arguments)

            asyncio.run_coroutine_threadsafe(within(), loop).result()

        assert self.broker is not None  # noqa: S101 - the caller looked
        self.book.declare(self.broker, call, self.service)
        worker = dramatiq.Worker(self.broker, worker_threads=self.threads, worker_timeout=200)
        worker.start()
        return worker
