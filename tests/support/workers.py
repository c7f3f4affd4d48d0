"""A worker at work in the test's own event loop, and how to wait for what it does."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ai_worker.batches.hand import Hand
from ai_worker.enrolment.enrol import enrol_worker
from ai_worker.manager_client import Manager
from ai_worker.settings import WorkerSettings
from tests.support.managers import RunningManager


async def enrol(manager: RunningManager, settings: WorkerSettings) -> None:
    """Buy a credential for this folder."""
    settings.make_folders()
    client = Manager.at(manager.url, token=await manager.enrolment_token(), allowed=settings.allowed_addresses)
    await enrol_worker(
        settings,
        client,
        manager_url=manager.url,
        version="0",
        runtimes=("onnx-cpu",),
        devices=(),
        models_on_disk=(),
        name="tester",
    )
    await client.close()


@dataclass
class Working:
    """A worker at work, and how to stop it."""

    work: Hand
    stopping: asyncio.Event
    task: asyncio.Task[bool]

    async def stop(self) -> bool:
        """Stop in order; whether everything was delivered or given back."""
        self.stopping.set()
        return await self.task


async def eventually(check: Callable[[], Any], *, within: float = 15.0) -> Any:
    """Wait until it holds; the value that made it hold."""
    async with asyncio.timeout(within):
        while True:
            value = check()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.01)
