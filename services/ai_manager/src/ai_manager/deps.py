"""Dependencies of routes and verbs: a transaction, the time, and the Manager's Work."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from ai_manager.direct import Direct
from ai_manager.settings import Intervals, Settings
from ai_manager.ttl_cache import AsyncTTLCache
from ai_manager.waiters import More, Waiters
from trapper_kit import work as kit
from trapper_kit.broker import QueueTaskSender, open_broker
from trapper_kit.db import Database, Session
from trapper_kit.notifications import QueueNotifier
from trapper_kit.objects import ObjectStore
from trapper_kit.tokens import derive, sign
from trapper_schemas.v1 import workers as wire

NAMESPACE = "ai_manager"
INSPECTED_AT_ONCE = 2
"""Result blobs that are decompressed and checked at the same moment, each within its own limit of memory."""
DIRECT_CONNECTIONS = 8
"""For the statements of claims and saves, which are short; more of them would only wait inside the database."""
LEASE_CONTEXTS_SECONDS, LEASE_CONTEXTS_KEPT = 1.0, 256


def channel(runtime: str) -> str:
    """Returns the notification channel of a runtime."""
    return f"batches.{runtime}"


@dataclass(kw_only=True)
class Work(kit.Work[Settings]):
    """Connections, settings and caches of one Manager process."""

    blobs: ObjectStore
    token_key: bytes
    direct: Direct
    waiters: Waiters = field(default_factory=Waiters)
    lease_contexts: AsyncTTLCache[UUID, Any] = field(
        default_factory=lambda: AsyncTTLCache(seconds=LEASE_CONTEXTS_SECONDS, size=LEASE_CONTEXTS_KEPT)
    )
    """What the workers are told with every batch of a job; kept by `batches.make_lease_context`."""
    inspections: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(INSPECTED_AT_ONCE))
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def open(cls, settings: Settings) -> "Work":
        """Connects to everything; no statement runs yet."""
        database = Database.connect(settings.database_url.get_secret_value(), pool_size=settings.pool_size)
        broker = open_broker(settings, NAMESPACE)
        task_sender = QueueTaskSender(broker) if broker is not None else None
        if task_sender is not None:
            database.task_sender = task_sender
        notifier = settings.notifications_redis_url
        return cls(
            settings=settings,
            database=database,
            task_sender=task_sender,
            notifier=QueueNotifier(notifier.get_secret_value() if notifier else None),
            blobs=ObjectStore.open(settings.blobs_dir, settings.blobs_url),
            token_key=derive(settings.secret_key.get_secret_value(), "tokens"),
            direct=Direct(settings.database_url.get_secret_value(), size=DIRECT_CONNECTIONS),
        )

    async def close(self) -> None:
        """Closes every connection."""
        await self.direct.close()
        await super().close()

    def waiter(self, channel: str, *, at_most: float) -> AbstractAsyncContextManager[More]:
        """Wait for a notification of a channel while holding no connection."""
        return self.waiters.waiter(channel, at_most)

    @property
    def intervals(self) -> Intervals:
        """All waiting times."""
        return self.settings.intervals

    @property
    def worker_intervals(self) -> wire.Intervals:
        """The waiting times that workers are sent."""
        return wire.Intervals(
            lease_seconds=self.intervals.lease,
            renew_seconds=self.intervals.renew,
            poll_seconds=self.intervals.poll,
            retry_seconds=self.intervals.retry,
        )

    @property
    def channels(self) -> tuple[str, ...]:
        """The notification channels that waiting claims listen to, one per runtime."""
        return tuple(channel(runtime) for runtime in self.settings.runtimes)

    @property
    def old_enough_to_expire(self) -> bool:
        """False in the first lease length of this process, so that an outage of ours costs no lease."""
        return time.monotonic() - self.began >= self.intervals.lease

    @property
    def longest_gap(self) -> timedelta:
        """The longest gap in answering after which no worker can have lost a lease because of it."""
        return timedelta(seconds=self.intervals.lease - self.intervals.renew)

    def hash_token(self, token: str) -> str:
        """Returns the HMAC of a token, useless without the service's key."""
        return sign(self.token_key, token)


def work_of(request: Request) -> Work:
    """Returns the Work that the app's lifespan opened."""
    return request.app.state.work


async def _work(request: Request) -> Work:  # async, although it waits for nothing: FastAPI runs others on a thread
    return work_of(request)


WorkDep = Annotated[Work, Depends(_work)]


async def _db(work: WorkDep) -> AsyncGenerator[Session, None]:
    async with work.db() as db:
        yield db


Db = Annotated[Session, Depends(_db, scope="function")]
"""One transaction, committed before the answer leaves."""


async def _now(work: WorkDep) -> datetime:
    return work.clock.now()


Now = Annotated[datetime, Depends(_now)]
