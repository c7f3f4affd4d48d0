"""A Redis that accepts connections and never answers costs no request any time, and no thread."""

import threading
import time
from pathlib import Path
from statistics import median

from pydantic import SecretStr

from ai_manager.access.state import Scope
from ai_manager.settings import Settings
from tests.support.black_hole import BlackHole, black_hole
from tests.support.make.ai_manager import Manager, job_request, manager_settings, opened_manager
from trapper_kit.broker import QueueTaskSender, open_broker

JOBS = 12
MOST_SECONDS = 0.05
MOST_THREADS = 2
"""One for task messages, one for notifications."""


async def _submit(manager: Manager, headers: dict[str, str]) -> list[float]:
    """Seconds of each submission; every one sends a task message, and planning it a notification."""
    seconds: list[float] = []
    for _ in range(JOBS):
        began = time.perf_counter()
        reply = await manager.submit(headers, job_request(3))
        seconds.append(time.perf_counter() - began)
        assert reply.status_code in {200, 201, 202}
        manager.work.notifier.notify("trapperai_runtime.onnx-cpu", "look", protocol=1)
    return seconds


async def _measured(settings: Settings, hole: BlackHole | None) -> list[float]:
    async with opened_manager(settings) as manager:
        await manager.publish()
        headers = await manager.token(Scope.JOBS)
        await manager.submit(headers, job_request(3))  # opens the connections to the database
        if hole is not None:
            broker = open_broker(settings, "hole")
            assert broker is not None
            manager.work.task_sender = QueueTaskSender(broker)
            manager.work.database.task_sender = manager.work.task_sender
        seconds = await _submit(manager, headers)
        assert len([thread for thread in threading.enumerate() if thread.name.startswith("send ")]) <= MOST_THREADS
        return seconds


async def test_redis_that_never_answers_costs_no_request_more_than_50_ms(
    ai_manager_database_url: str, tmp_path: Path
) -> None:
    plain = await _measured(manager_settings(ai_manager_database_url, tmp_path), None)
    async with black_hole() as hole:
        url = SecretStr(hole.redis_url)
        settings = manager_settings(ai_manager_database_url, tmp_path, redis_url=url, notifications_redis_url=url)
        began = time.perf_counter()
        slow = await _measured(settings, hole)
        assert hole.swallowed > 0, "the messages went there"
    assert median(slow) - median(plain) < MOST_SECONDS
    assert time.perf_counter() - began < sum(slow) + 20, "closing waits a few seconds at most"
