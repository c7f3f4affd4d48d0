"""Notifications on a real Valkey: workers hear of waiting batches, the Expert of closed ones; each may be lost."""

import asyncio
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import SecretStr

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import job_request, manager_settings, opened_manager
from trapper_cli.servers.valkey import EmbeddedValkey
from trapper_kit.notifications import NotificationListener
from trapper_schemas.notifications import RESULTS_READY, RUN_BATCH_PREDICTION, expert_queue, runtime_queue
from trapper_schemas.protocol import PROTOCOL


class Ears:
    """Hears one queue."""

    def __init__(self, url: str, queue: str, actor: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self._listener = NotificationListener(url, queue, actor, lambda **arguments: self.heard.append(arguments))

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._listener.start)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._listener.stop)

    async def hears(self, *expected: dict[str, Any]) -> None:
        """Within the patience of a slow machine."""
        async with asyncio.timeout(60):
            while self.heard[: len(expected)] != list(expected):  # noqa: ASYNC110 - a thread hears
                await asyncio.sleep(0.02)


async def test_workers_and_experts_are_rung(
    ai_manager_database_url: str, tmp_path: Path, valkey: EmbeddedValkey
) -> None:
    settings = manager_settings(
        ai_manager_database_url, tmp_path, notifications_redis_url=SecretStr(valkey.url), losses_allowed=1
    )
    async with (
        opened_manager(settings) as manager,
        Ears(valkey.url, runtime_queue("onnx-cpu"), RUN_BATCH_PREDICTION) as workers,
        Ears(valkey.url, expert_queue("connection-1"), RESULTS_READY) as expert,
    ):
        await manager.publish()
        headers = await manager.token(Scope.JOBS)
        job_id = await manager.planned(headers, job_request(3, notification_queue="connection-1"))
        await workers.hears({"protocol": PROTOCOL, "runtime": "onnx-cpu"})
        machine = await manager.worker()
        (lease,) = await machine.claim()
        await machine.release(lease, "draining")
        await workers.hears(*[{"protocol": PROTOCOL, "runtime": "onnx-cpu"}] * 2)
        (lease,) = await machine.claim()
        await machine.finish(lease)
        await expert.hears({"job_id": str(job_id)})
        await manager.job(headers, job_id)
        await expert.hears({"job_id": str(job_id)}, {"job_id": str(job_id)})


@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0"])
async def test_a_redis_that_is_away_changes_nothing(ai_manager_database_url: str, tmp_path: Path, url: str) -> None:
    settings = manager_settings(
        ai_manager_database_url, tmp_path, notifications_redis_url=SecretStr(url), redis_url=SecretStr(url)
    )
    async with opened_manager(settings) as manager:
        await manager.publish()
        headers = await manager.token(Scope.JOBS)
        job_id = await manager.planned(headers, job_request(3, notification_queue="c"))
        machine = await manager.worker()
        (lease,) = await machine.claim()
        assert (await machine.finish(lease)).status_code == 200
        assert (await manager.job(headers, job_id)).state.value == "finished"
