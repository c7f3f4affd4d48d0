"""Dependencies of routes, verbs and tasks: a transaction, the time, the process's work and stores."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from expert.manager_client import Managers
from expert.settings import ExpertSettings
from trapper_kit import work as kit
from trapper_kit.addresses import networks
from trapper_kit.broker import QueueTaskSender, open_broker
from trapper_kit.db import Database, Session
from trapper_kit.notifications import QueueNotifier
from trapper_kit.objects import ObjectStore

NAMESPACE = "trapper_expert"
"""Of the inner queue in Redis."""
_DESCRIBED_AT_ONCE = 4


@dataclass(kw_only=True)
class ExpertWork(kit.Work[ExpertSettings]):
    """Connections, settings and stores of one process."""

    media: ObjectStore
    blobs: ObjectStore
    managers: Managers
    receiving_uploads: Counter[UUID] = field(default_factory=Counter[UUID])
    """How many bodies of each account this process receives now."""
    describing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_DESCRIBED_AT_ONCE))
    """Bounds how many files this process reads and decodes at once."""
    objects_checked_through: UUID | None = None
    """How far the present comparison of rows with the store has come."""

    async def close(self) -> None:
        """Closes everything."""
        await self.managers.close()
        await super().close()


@asynccontextmanager
async def open_work(settings: ExpertSettings, *, managers: Managers | None = None) -> AsyncGenerator[ExpertWork, None]:
    """Yields the work with database, queue, notifications and stores open."""
    database = Database.connect(
        settings.database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        statement_timeout_seconds=settings.statement_timeout_seconds,
    )
    beside = settings.media_dir / "blobs" if settings.media_dir is not None else None
    broker = open_broker(settings, NAMESPACE)
    work = ExpertWork(
        settings=settings,
        database=database,
        notifier=QueueNotifier(
            settings.notifications_redis_url.get_secret_value() if settings.notifications_redis_url else None
        ),
        media=ObjectStore.open(settings.media_dir, settings.media_url),
        blobs=ObjectStore.open(settings.blobs_dir or beside, settings.blobs_url),
        task_sender=QueueTaskSender(broker) if broker is not None else None,
        managers=managers or Managers(networks(settings.allowed_addresses)),
    )
    if work.task_sender is not None:
        database.task_sender = work.task_sender
    try:
        yield work
    finally:
        await work.close()


async def _work(request: Request) -> ExpertWork:
    return request.app.state.work


async def _db(work: Annotated[ExpertWork, Depends(_work)]) -> AsyncGenerator[Session, None]:
    async with work.db() as db:
        yield db


async def _now(work: Annotated[ExpertWork, Depends(_work)]) -> datetime:
    return work.clock.now()


Work = Annotated[ExpertWork, Depends(_work)]
"""For what waits or streams: short transactions of its own."""
Db = Annotated[Session, Depends(_db, scope="function")]
"""One transaction, committed before the answer leaves; the scope is what makes it so."""
Now = Annotated[datetime, Depends(_now)]
