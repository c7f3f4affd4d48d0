"""The fleet of a real Manager and the task queue in a real Valkey, as a site admin sees them."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dramatiq
import pytest
from pydantic import SecretStr

from ai_manager.access.state import Scope
from expert.deps import NAMESPACE
from expert.providers.connect_manager import connect_manager
from tests.support.make import expert
from tests.support.make.expert import Backend, Person
from tests.support.managers import RunningManager, running_manager
from trapper_cli.servers.valkey import EmbeddedValkey
from trapper_kit.broker import QUEUE, QueueTaskSender, open_broker


@pytest.fixture
async def manager(ai_manager_database_url: str, tmp_path: Path) -> AsyncIterator[RunningManager]:
    async with running_manager(ai_manager_database_url, tmp_path) as running:
        yield running


async def _connect(backend: Backend, name: str, url: str, token: str) -> None:
    async with backend.work.db() as db:
        await connect_manager(
            db, backend.work.settings, name=name, url=url, credential=token, notifications_url=None, by=None
        )


async def _managers(admin: Person) -> dict[str, dict[str, Any]]:
    answer = await admin.client.get("/api/fleet/")
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["managers"]}


async def test_workers_are_seen_and_paused_with_the_scope_for_it(backend: Backend, manager: RunningManager) -> None:
    admin = await backend.person("root", site_admin=True)
    stranger = await backend.person("ann")
    assert (await stranger.client.get("/api/fleet/")).status_code == 403
    worker = await manager.client.post(
        "/api/workers/",
        json={"name": "cabin", "version": "1", "runtimes": ["onnx-cpu"]},
        headers={"Authorization": f"Bearer {await manager.enrolment_token()}"},
    )
    worker_id = worker.json()["worker_id"]
    await _connect(backend, "sees", manager.url, await manager.token(Scope.JOBS, Scope.FLEET))
    await _connect(backend, "blind", manager.url, await manager.token(Scope.JOBS))
    await _connect(backend, "away", "http://127.0.0.1:9", "a token of nobody")

    managers = await _managers(admin)
    assert [each["name"] for each in managers["sees"]["workers"]] == ["cabin"]
    assert managers["sees"]["queues"]["items"] == []
    assert "scopes jobs and fleet" in managers["blind"]["problem"]
    assert managers["away"]["problem"]
    order = f"/api/fleet/managers/{{}}/workers/{worker_id}/pause/"
    paused = await admin.client.post(order.format(managers["sees"]["connection_id"]))
    assert paused.status_code == 204, paused.text
    assert (await _managers(admin))["sees"]["workers"][0]["paused"] is True
    refused = await admin.client.post(order.format(managers["blind"]["connection_id"]))
    assert (refused.status_code, refused.json()["type"]) == (409, "worker-not-instructed")


async def test_dead_letters_are_listed_and_replayed(
    expert_database_url: str, tmp_path: Path, valkey: EmbeddedValkey
) -> None:
    async with expert.backend(expert_database_url, tmp_path) as backend:
        admin = await backend.person("root", site_admin=True)
        assert (await admin.client.get("/api/fleet/")).json()["tasks"] is None
        changed = {"redis_url": SecretStr(valkey.url)}
        broker = open_broker(backend.work.settings.model_copy(update=changed), NAMESPACE)
        assert broker is not None
        backend.work.task_sender = QueueTaskSender(broker)
        key = f"{broker.namespace}:{QUEUE}"
        broker.client.flushdb()
        message = dramatiq.Message(
            queue_name=QUEUE,
            actor_name="jobs.follow",
            args=(),
            kwargs={"job_id": "17"},
            options={"traceback": "Traceback\nValueError: no such job", "retries": 9},
        )
        broker.client.hset(f"{key}.XQ.msgs", message.message_id, message.encode())
        broker.client.zadd(f"{key}.XQ", {message.message_id: time.time() * 1000})

        tasks = (await admin.client.get("/api/fleet/")).json()["tasks"]
        [dead] = tasks["dead_tasks"]
        assert (tasks["dead"], dead["task"], dead["arguments"]) == (1, "jobs.follow", {"job_id": "17"})
        assert dead["error"] == "ValueError: no such job"
        assert (await admin.client.post("/api/fleet/tasks/replay/")).json() == {"replayed": 1}
        after = (await admin.client.get("/api/fleet/")).json()["tasks"]
        assert (after["dead"], after["waiting"], after["dead_tasks"]) == (0, 1, [])
        [again] = broker.client.hvals(f"{key}.msgs")
        assert dramatiq.Message.decode(again).options.keys() <= {"redis_message_id"}
