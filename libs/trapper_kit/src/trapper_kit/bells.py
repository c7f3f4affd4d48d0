"""Bells between services: levels, not edges, on a Redis user and namespace of their own; they only hurry."""

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
from trapper_schemas.bells import MAX_AGE_SECONDS, NAMESPACE, OUTSTANDING_SECONDS

RING_SECONDS = 2.0
_TIMEOUTS = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}


def _level(queue: str) -> str:
    return f"{NAMESPACE}:bell:{queue}"


class Bells:
    """Rings other services; without an address it does nothing, and a Redis that refuses is logged once."""

    def __init__(self, url: str | None) -> None:
        self._url = url
        self._client = redis.Redis.from_url(url, **_TIMEOUTS) if url else None
        self._broker = RedisBroker(client=self._client, namespace=NAMESPACE, middleware=[]) if self._client else None
        self._deaf = False
        self._about_to_ring: set[str] = set()
        self._ringing = asyncio.Lock()
        self._soon: Gathered[tuple[str, str, tuple[tuple[str, Any], ...]]] = Gathered(self._ring_all)

    def ring_soon(self, queue: str, actor: str, **arguments: Any) -> None:
        """The same for who cannot wait; what is rung twice in that moment is rung once."""
        if self._client is not None:
            self._soon((queue, actor, tuple(arguments.items())))

    async def _ring_all(self, bells: Sequence[tuple[str, str, tuple[tuple[str, Any], ...]]]) -> None:
        for queue, actor, arguments in bells:
            await self.ring(queue, actor, **dict(arguments))

    async def ring(self, queue: str, actor: str, **arguments: Any) -> None:
        """At most one outstanding per queue; nothing may depend on it arriving."""
        if self._client is None or queue in self._about_to_ring:
            return  # a ring that has not begun yet says the same
        self._about_to_ring.add(queue)
        async with self._ringing:
            self._about_to_ring.discard(queue)
            await self._deliver(queue, actor, arguments)

    async def _deliver(self, queue: str, actor: str, arguments: dict[str, Any]) -> None:
        try:
            await asyncio.wait_for(asyncio.to_thread(self._ring, queue, actor, arguments), RING_SECONDS)
        except (dramatiq.errors.BrokerConnectionError, RedisError, OSError, TimeoutError) as problem:
            if not self._deaf:
                log("bells.unreachable", problem=type(problem).__name__)
            self._deaf = True
        else:
            self._deaf = False

    def _ring(self, queue: str, actor: str, arguments: dict[str, Any]) -> None:
        assert self._client is not None and self._broker is not None  # noqa: S101, PT018 - the caller looked
        if not self._client.set(_level(queue), "1", nx=True, ex=OUTSTANDING_SECONDS):
            return
        self._broker.declare_queue(queue)
        self._broker.enqueue(
            dramatiq.Message(queue_name=queue, actor_name=actor, args=(), kwargs=arguments, options={})
        )

    async def close(self) -> None:
        """Ring what is still to be rung, and let go of the connections."""
        await self._soon.close()
        if self._client is not None:
            self._client.close()


class BellListener:
    """Hears one queue on a thread of its own; declares only bell actors, and a bell's whole effect is a callback."""

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
                self._client.delete(_level(queue))  # the level is down again: the next ring comes through
            heard(*args, **arguments)

        self._broker.declare_actor(
            dramatiq.Actor(hear, broker=self._broker, actor_name=actor, queue_name=queue, priority=0, options={})
        )
        self._worker = dramatiq.Worker(self._broker, queues={queue}, worker_threads=1, worker_timeout=500)

    def start(self) -> None:
        """Listen; a Redis that is away is tried again by the consumer itself."""
        logging.getLogger("dramatiq").setLevel(logging.CRITICAL)  # it logs every lost connection with a trace
        self._worker.start()
        log("bells.listening", queue=self._queue)

    def stop(self) -> None:
        """Stop listening."""
        self._worker.stop(timeout=2000)
        self._client.close()
