"""Background work: a book of tasks that a service's process declares on its own broker; nothing happens at import."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Protocol, TypeVar

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit, Middleware, Retries, ShutdownNotifications
from pydantic import SecretStr

from trapper_kit.background_sender import BackgroundSender
from trapper_kit.db import TaskMessage
from trapper_kit.logs import log
from trapper_kit.metrics import TASKS, Family, Sample
from trapper_kit.redis_client import UNREACHABLE, open_redis
from trapper_kit.settings import Intervals

Step = Callable[..., Coroutine[Any, Any, bool | None]]
S = TypeVar("S", bound=Step)
QUEUE = "default"
MAX_AGE_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Task:
    """An actor, and a sweep when `every` names the setting that says how often."""

    name: str
    run: Step
    every: str | None = None
    max_retries: int = 10
    swept_by: str | None = None
    """The sweep that finds the rows of messages that were lost."""

    def seconds(self, settings: object) -> float:
        """Seconds between two turns of the sweep, read from the settings by its path."""
        return float(reduce(getattr, (self.every or "").split("."), settings))  # type: ignore[arg-type]  # a path of attributes


@dataclass
class TaskBook:
    """Notes functions as tasks and returns them unchanged, so that a test awaits them directly.

    An actor's first parameter is the service's Work, the others are ids. A sweep takes Work alone: it is run by the
    process that is the leader, without a message, so a queue that is gone costs one interval and nothing else. A sweep
    that returns True runs again at once.
    """

    tasks: dict[str, Task] = field(default_factory=dict)

    def __call__(
        self, name: str, *, every: str | None = None, max_retries: int = 10, swept_by: str | None = None
    ) -> Callable[[S], S]:
        """The decorator; a name may be taken once. A task on a message names the sweep that does the same."""

        def note(function: S) -> S:
            if name in self.tasks:
                raise ValueError(f"task {name} is declared twice")
            self.tasks[name] = Task(name, function, every, max_retries, swept_by)
            return function

        return note

    def sweeps(self) -> list[Task]:
        """The tasks that run by themselves."""
        return [task for task in self.tasks.values() if task.every is not None]

    def declare(self, broker: dramatiq.Broker, call: Callable[[Task, dict[str, Any]], None], service: str) -> None:
        """Put every task on a broker; `call` runs one with its arguments and waits for it."""
        for task in self.tasks.values():

            def run(*, _task: Task = task, **arguments: Any) -> None:
                try:
                    call(_task, arguments)
                except Exception as error:
                    TASKS.labels(service, _task.name, "failed").inc()
                    log("task.failed", task=_task.name, error=error, **arguments)
                    raise
                TASKS.labels(service, _task.name, "done").inc()

            broker.declare_actor(
                dramatiq.Actor(
                    run,
                    broker=broker,
                    actor_name=task.name,
                    queue_name=QUEUE,
                    priority=0,
                    options={"max_retries": task.max_retries},
                )
            )


def make_broker(
    url: str, *, namespace: str, redelivery: float, max_backoff: float, extra: Sequence[Middleware] = ()
) -> RedisBroker:
    """A broker whose dead consumers' messages come back after `redelivery` seconds (Dramatiq's default hardly does)."""
    return RedisBroker(
        client=open_redis(url),
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


class QueueSettings(Protocol):
    """Those of a service that has a queue."""

    @property
    def redis_url(self) -> SecretStr | None:
        """The address of the queue."""
        ...

    @property
    def intervals(self) -> Intervals:
        """With those of the queue."""
        ...


def open_broker(settings: QueueSettings, namespace: str) -> RedisBroker | None:
    """The broker of a service, or None when it has no queue and sweeps do all the work."""
    if settings.redis_url is None:
        return None
    return make_broker(
        settings.redis_url.get_secret_value(),
        namespace=namespace,
        redelivery=settings.intervals.redelivery,
        max_backoff=settings.intervals.max_backoff,
    )


class QueueTaskSender:
    """Sends task messages as Dramatiq messages, soon, and without a wait for the caller."""

    def __init__(self, broker: dramatiq.Broker) -> None:
        self.broker = broker
        self._sender: BackgroundSender[TaskMessage] = BackgroundSender(
            "queue", self._send, errors=(dramatiq.errors.BrokerConnectionError, *UNREACHABLE)
        )

    def __call__(self, messages: Sequence[TaskMessage]) -> None:
        """Put the messages into memory; they are lost when the queue cannot be reached."""
        self._sender(*messages)

    async def close(self) -> None:
        """Send what still waits, for a few seconds at most."""
        await self._sender.close()
        self.broker.close()

    def repeat(self, actor: str, arguments: Mapping[str, object]) -> None:
        """Sends a message that failed before, now; blocks, and raises what is in UNREACHABLE."""
        self._send([TaskMessage(actor, arguments)])

    def _send(self, messages: Sequence[TaskMessage]) -> None:
        self.broker.declare_queue(QUEUE)
        for message in messages:
            arguments = dict(message.arguments)
            self.broker.enqueue(
                dramatiq.Message(queue_name=QUEUE, actor_name=message.actor, args=(), kwargs=arguments, options={})
            )


def measure_queue(broker: RedisBroker, service: str) -> list[Family]:
    """The queue's messages as metrics: waiting, delayed until their next try, and dead letters."""
    key = f"{broker.namespace}:{QUEUE}"
    sizes = {
        "waiting": broker.client.llen(key),
        "delayed": broker.client.hlen(f"{key}.DQ.msgs"),
        "dead": broker.client.zcard(f"{key}.XQ"),
    }
    samples = [Sample((service, state), float(size)) for state, size in sizes.items()]
    return [Family("trapper_queue_messages", "Messages of the inner queue", ("service", "state"), samples)]
