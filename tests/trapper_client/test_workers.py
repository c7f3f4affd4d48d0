"""`trapper workers` and `trapper queues` against a real Manager."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ai_manager.jobs.plan import plan_job
from tests.support.make.ai_manager import job_request, model_entry
from tests.support.managers import RunningManager, running_manager
from trapper_client.app import run
from trapper_client.commands.workers import ago
from trapper_schemas.ids import uuid7
from trapper_schemas.protocol import PROTOCOL

Spoken = tuple[int, str, str]
Trapper = Callable[..., Any]


@pytest.fixture
async def manager(
    ai_manager_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningManager]:
    """Served, and known to the command by the environment."""
    async with running_manager(ai_manager_database_url, tmp_path, intervals={"alive": 600.0}) as running:
        token = running.client.headers["Authorization"].removeprefix("Bearer ")
        monkeypatch.setenv("TRAPPER_MANAGER_URL", running.url)
        monkeypatch.setenv("TRAPPER_MANAGER_TOKEN", token)
        yield running


@pytest.fixture
def trapper(capsys: pytest.CaptureFixture[str]) -> Trapper:
    """Runs a command on a thread, since the Manager answers from this very loop."""

    async def spoken(*words: str) -> Spoken:
        code = await asyncio.to_thread(run, list(words))
        told = capsys.readouterr()
        return code, told.out, told.err

    return spoken


async def _enrol(manager: RunningManager, name: str) -> str:
    token = await manager.enrolment_token()
    body = {
        "name": name,
        "version": "1.2",
        "runtimes": ["onnx-cpu"],
        "protocols": [PROTOCOL],
        "devices": [{"name": "cpu 0", "kind": "cpu"}],
    }
    answer = await manager.client.post("/api/workers/", json=body, headers={"Authorization": f"Bearer {token}"})
    answer.raise_for_status()
    reply = answer.json()
    beat = {"devices": [{"name": "cpu 0", "busy": 0.5}], "images_per_second": {"a" * 64: 2.5}}
    headers = {"Authorization": f"Bearer {reply['credential']}"}
    (
        await manager.client.post(f"/api/workers/{reply['worker_id']}/heartbeat/", json=beat, headers=headers)
    ).raise_for_status()
    return reply["worker_id"]


async def test_a_worker_is_seen_told_and_sent_away_by_its_name(manager: RunningManager, trapper: Trapper) -> None:
    worker_id = await _enrol(manager, "laptop")
    code, out, _ = await trapper("workers", "list")
    assert code == 0
    assert "laptop" in out
    assert "cpu 0 50%" in out
    code, out, _ = await trapper("workers", "show", "laptop", "--json")
    assert (code, json.loads(out)["id"], json.loads(out)["state"]) == (0, worker_id, "alive")
    assert (await trapper("workers", "show", worker_id))[0] == 0
    for order, state in (("pause", "paused"), ("drain", "draining"), ("resume", "alive")):
        assert (await trapper("workers", order, "laptop"))[0] == 0
        assert json.loads((await trapper("workers", "show", "laptop", "--json"))[1])["state"] == state
    assert (await trapper("workers", "revoke", "laptop"))[0] == 0
    code, _, err = await trapper("workers", "show", "laptop")
    assert (code, err) == (1, "No worker is named 'laptop'. See: trapper workers list\n")
    assert json.loads((await trapper("workers", "show", worker_id, "--json"))[1])["state"] == "revoked"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "seconds ago"), (130, "2 minutes ago"), (7_300, "2 hours ago"), (200_000, "2 days ago")],
)
def test_when_a_worker_was_seen_is_said_as_people_say_it(seconds: int, words: str) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=seconds)
    assert ago(moment.isoformat().replace("+00:00", "Z")).endswith(words)
    assert ago(None) == "never"


async def test_all_are_told_at_once_and_nobody_by_mistake(manager: RunningManager, trapper: Trapper) -> None:
    first = await _enrol(manager, "twin")
    second = await _enrol(manager, "twin")
    code, out, _ = await trapper("workers", "pause", "--all", "--json")
    assert (code, json.loads(out)) == (0, {"order": "pause", "workers": 2})
    assert (await trapper("workers", "pause"))[0] == 2
    assert (await trapper("workers", "pause", "twin", "--all"))[0] == 2
    code, _, err = await trapper("workers", "drain", "twin")
    assert code == 1
    assert first in err
    assert second in err


async def test_the_queue_is_shown(manager: RunningManager, trapper: Trapper) -> None:
    code, out, _ = await trapper("queues")
    assert (code, out) == (0, "No work is waiting.\nNo worker is alive.\n")
    await _enrol(manager, "laptop")
    code, out, _ = await trapper("queues")
    assert code == 0
    assert "onnx-cpu" in out
    assert json.loads((await trapper("queues", "--json"))[1])["runtimes"][0]["workers"] == 1


async def test_work_that_no_worker_can_take_says_why(manager: RunningManager, trapper: Trapper) -> None:
    (await manager.client.post("/api/models/", json={"entry": model_entry()})).raise_for_status()
    sent = await manager.client.post(
        "/api/prediction_jobs/", json=job_request(), headers={"Idempotency-Key": str(uuid7())}
    )
    await plan_job(manager.work, UUID(sent.json()["id"]))
    _, out, _ = await trapper("queues", "--json")
    ((models,),) = [queue["model_sets"] for queue in json.loads(out)["items"]]
    blocked = models["blocked"]
    assert blocked["code"] == "no-worker-for-runtime"
    _, out, _ = await trapper("queues")
    shown = " ".join(out.split())
    assert "Blocked" in shown
    assert f"{blocked['message']} {blocked['what_to_do']}" in shown
