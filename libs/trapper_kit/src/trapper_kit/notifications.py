"""Queue notifications between services: at most one outstanding per queue; each only says "look again"."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit
from redis.exceptions import RedisError

from trapper_kit.gathered import Gathered
from trapper_kit.logs import log
from trapper_schemas.notifications import MAX_AGE_SECONDS, NAMESPACE, OUTSTANDING_SECONDS

SEND_SECONDS = 2.0
_TIMEOUTS = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}


def _level(queue: str) -> str:
    return f"{NAMESPACE}:outstanding:{queue}"


class QueueNotifier:
    """Notifies other services; without an address it does nothing, and a Redis that refuses is logged once."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._client = redis.Redis.from_url(url, **_TIMEOUTS) if url else None
        self._broker = RedisBroker(client=self._client, namespace=NAMESPACE, middleware=[]) if self._client else None
        self._deaf = False
        self._pending: set[str] = set()
        self._sending = asyncio.Lock()
        self._soon: Gathered[tuple[str, str, tuple[tuple[str, Any], ...]]] = Gathered(self._notify_all)

    def notify_soon(self, queue: str, actor: str, **arguments: Any) -> None:
        """`notify` without waiting; duplicates of the same moment are sent once."""
        if self._client is not None:
            self._soon((queue, actor, tuple(arguments.items())))

    async def _notify_all(self, notifications: Sequence[tuple[str, str, tuple[tuple[str, Any], ...]]]) -> None:
        for queue, actor, arguments in notifications:
            await self.notify(queue, actor, **dict(arguments))

    async def notify(self, queue: str, actor: str, **arguments: Any) -> None:
        """At most one outstanding per queue; nothing may depend on it arriving."""
        if self._client is None or queue in self._pending:
            return  # a notification that is not sent yet says the same
        self._pending.add(queue)
        async with self._sending:
            self._pending.discard(queue)
            await self._deliver(queue, actor, arguments)

    async def _deliver(self, queue: str, actor: str, arguments: dict[str, Any]) -> None:
        try:
            await asyncio.wait_for(asyncio.to_thread(self._notify, queue, actor, arguments), SEND_SECONDS)
        except (dramatiq.errors.BrokerConnectionError, RedisError, OSError, TimeoutError) as problem:
            if not self._deaf:
                log("notifications.unreachable", problem=type(problem).__name__)
            self._deaf = True
        else:
            self._deaf = False

    def _notify(self, queue: str, actor: str, arguments: dict[str, Any]) -> None:
        assert self._client is not None and self._broker is not None  # noqa: S101, PT018 - the caller looked
        if not self._client.set(_level(queue), "1", nx=True, ex=OUTSTANDING_SECONDS):
            return
        self._broker.declare_queue(queue)
        self._broker.enqueue(
            dramatiq.Message(queue_name=queue, actor_name=actor, args=(), kwargs=arguments, options={})
        )

    async def close(self) -> None:
        """Send what is still pending, and close the connections."""
        await self._soon.close()
        if self._client is not None:
            self._client.close()


class NotificationListener:
    """Listens to one queue on its own thread; declares only notification actors, whose whole effect is a callback."""

    def __init__(self, url: str, queue: str, actor: str, heard: Callable[..., None]) -> None:
        self._client = redis.Redis.from_url(url, **{**_TIMEOUTS, "socket_timeout": 5.0})
        self._broker = RedisBroker(
            client=self._client,
            namespace=NAMESPACE,
            heartbeat_timeout=15_000,
            maintenance_chance=100_000,
            middleware=[AgeLimit(max_age=MAX_AGE_SECONDS * 1000)],
        )
        self._queue = queue

        def hear(*args: Any, **arguments: Any) -> None:
            with suppress(RedisError):
                self._client.delete(_level(queue))  # nothing is outstanding now: the next notification is sent
            heard(*args, **arguments)

        self._broker.declare_actor(
            dramatiq.Actor(hear, broker=self._broker, actor_name=actor, queue_name=queue, priority=0, options={})
        )
        self._worker = dramatiq.Worker(self._broker, queues={queue}, worker_threads=1, worker_timeout=500)

    def start(self) -> None:
        """Listen; a Redis that is away is tried again by the consumer itself."""
        logging.getLogger("dramatiq").setLevel(logging.CRITICAL)  # it logs every lost connection with a trace
        self._worker.start()
        log("notifications.listening", queue=self._queue)

    def stop(self) -> None:
        """Stop listening."""
        self._worker.stop(timeout=2000)
        self._client.close()
