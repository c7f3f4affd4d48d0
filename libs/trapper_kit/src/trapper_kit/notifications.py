"""Queue notifications between services: at most one outstanding per queue; each only says "look again"."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import AgeLimit

from trapper_kit.addresses import Network
from trapper_kit.background_sender import BackgroundSender
from trapper_kit.logs import log
from trapper_kit.redis_client import UNREACHABLE, open_redis
from trapper_schemas.notifications import MAX_AGE_SECONDS, NAMESPACE, OUTSTANDING_SECONDS

LISTEN_SECONDS = 5.0


def _outstanding(queue: str) -> str:
    return f"{NAMESPACE}:outstanding:{queue}"


@dataclass(frozen=True)
class _Notification:
    queue: str
    actor: str
    arguments: tuple[tuple[str, Any], ...]


class QueueNotifier:
    """Notifies other services; without an address it does nothing."""

    def __init__(self, url: str | None) -> None:
        self._client = open_redis(url) if url else None
        self._broker = RedisBroker(client=self._client, namespace=NAMESPACE, middleware=[]) if self._client else None
        self._sender: BackgroundSender[_Notification] = BackgroundSender(
            "notifications", self._send, errors=(dramatiq.errors.BrokerConnectionError, *UNREACHABLE)
        )

    def notify(self, queue: str, actor: str, **arguments: Any) -> None:
        """Sends soon, unless a notification of this queue is outstanding; never waits."""
        if self._client is not None:
            self._sender(_Notification(queue, actor, tuple(arguments.items())))

    def _send(self, notifications: Sequence[_Notification]) -> None:
        assert self._client is not None and self._broker is not None  # noqa: S101, PT018 - `notify` looked
        for notification in notifications:
            if not self._client.set(_outstanding(notification.queue), "1", nx=True, ex=OUTSTANDING_SECONDS):
                continue
            self._broker.declare_queue(notification.queue)
            self._broker.enqueue(
                dramatiq.Message(
                    queue_name=notification.queue,
                    actor_name=notification.actor,
                    args=(),
                    kwargs=dict(notification.arguments),
                    options={},
                )
            )

    async def close(self) -> None:
        """Send what is still pending, and close the connections."""
        await self._sender.close()
        if self._client is not None:
            self._client.close()


class NotificationListener:
    """Listens to one queue on its own thread; each notification calls `received`."""

    def __init__(
        self,
        url: str,
        queue: str,
        actor: str,
        received: Callable[..., None],
        *,
        allowed: Sequence[Network] | None = None,
    ) -> None:
        """With `allowed` the address came from a person, and is checked whenever it is connected to."""
        self._client = open_redis(url, seconds=LISTEN_SECONDS, allowed=allowed)
        self._broker = RedisBroker(
            client=self._client,
            namespace=NAMESPACE,
            heartbeat_timeout=15_000,
            maintenance_chance=100_000,
            middleware=[AgeLimit(max_age=MAX_AGE_SECONDS * 1000)],
        )
        self._queue = queue

        def receive(*args: Any, **arguments: Any) -> None:
            with suppress(*UNREACHABLE):
                self._client.delete(_outstanding(queue))  # from now on the next notification comes through
            received(*args, **arguments)

        self._broker.declare_actor(
            dramatiq.Actor(receive, broker=self._broker, actor_name=actor, queue_name=queue, priority=0, options={})
        )
        self._worker = dramatiq.Worker(self._broker, queues={queue}, worker_threads=1, worker_timeout=500)

    @property
    def is_alive(self) -> bool:
        """Whether its threads run."""
        return all(thread.is_alive() for thread in (*self._worker.workers, *self._worker.consumers.values()))

    def start(self) -> None:
        """Starts listening; reconnects by itself."""
        logging.getLogger("dramatiq").setLevel(logging.CRITICAL)  # it logs every lost connection with a traceback
        self._worker.start()
        log("notifications.listening", queue=self._queue)

    def stop(self) -> None:
        """Stop listening."""
        self._worker.stop(timeout=2000)
        self._client.close()
