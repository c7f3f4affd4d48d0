"""What a task, a loop or a waiting route is given: short transactions, the clock, the notifications."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from trapper_kit.broker import QueueTaskSender
from trapper_kit.clock import Clock
from trapper_kit.db import Database, Session
from trapper_kit.notifications import QueueNotifier
from trapper_kit.settings import ServiceSettings
from trapper_kit.tokens import new_token

Settings = TypeVar("Settings", bound=ServiceSettings)


@dataclass
class Work(Generic[Settings]):
    """What one process has opened; services add their stores and clients in a subclass."""

    settings: Settings
    database: Database
    notifier: QueueNotifier = field(default_factory=lambda: QueueNotifier(None))
    clock: Clock = field(default_factory=Clock)
    task_sender: QueueTaskSender | None = None
    """Of a service with a queue; closed with the rest."""

    @asynccontextmanager
    async def db(self) -> AsyncGenerator[Session, None]:
        """One short transaction: committed, then its task messages are sent."""
        async with self.database.begin() as db:
            yield db

    def new_token(self, prefix: str = "lease") -> str:
        """An unguessable token."""
        return new_token(prefix)

    async def close(self) -> None:
        """Close everything."""
        if self.task_sender is not None:
            await self.task_sender.close()
        await self.notifier.close()
        await self.database.close()
