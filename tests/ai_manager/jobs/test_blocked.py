"""A job that no worker may or can take says why, and what to do; the reason goes when its cause has gone."""

from dataclasses import replace
from typing import Any

import pytest

from ai_manager.access.state import Scope
from ai_manager.jobs.state import Need, blocked_by
from ai_manager.workers.state import Ability
from tests.support.make.ai_manager import Manager, job_request
from trapper_schemas.v1.workers import WorkerState

NEED = Need(["onnx-cpu", "onnx-cuda"], "p", 100, unpinned=True)
ABLE = Ability(["onnx-cpu"], "", 100, True, WorkerState.ALIVE)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, None),
        ({"runtimes": ["hailo"]}, "no-worker-for-runtime"),
        ({"project": "q"}, "no-worker-for-project"),
        ({"project": "p"}, None),
        ({"allow_unpinned": False}, "weights-not-pinned"),
        ({"allow_unpinned": None}, None),
        ({"memory_bytes": 99}, "too-little-memory"),
        ({"memory_bytes": None}, None),
        ({"state": WorkerState.PAUSED}, "workers-paused"),
        ({"state": WorkerState.DRAINING}, "workers-paused"),
        ({"state": WorkerState.SILENT}, "workers-silent"),
    ],
)
def test_reason_is_the_condition_that_no_worker_meets(change: dict[str, Any], code: str | None) -> None:
    other = replace(ABLE, runtimes=["hailo"], state=WorkerState.PAUSED)
    blocked = blocked_by(NEED, [other, replace(ABLE, **change)])
    assert (blocked and blocked.code) == code
    if blocked is not None:
        assert blocked.message
        assert blocked.what_to_do


def test_fleet_without_workers_blocks_every_job() -> None:
    blocked = blocked_by(NEED, [])
    assert blocked is not None
    assert blocked.message == "No enrolled worker runs onnx-cpu or onnx-cuda."


async def test_job_tells_why_no_worker_takes_it_and_stops_telling(manager: Manager) -> None:
    await manager.publish()
    headers = await manager.token(Scope.JOBS)
    job_id = await manager.planned(headers, job_request(3))

    async def code() -> str | None:
        blocked = (await manager.job(headers, job_id)).blocked
        return blocked and blocked.code

    async def queue_codes() -> list[str | None]:
        operator = await manager.token(Scope.OPERATE)
        queues = (await manager.http.get("/api/queues/", headers=operator)).json()
        sets = [model_set["blocked"] for queue in queues["items"] for model_set in queue["model_sets"]]
        return [blocked and blocked["code"] for blocked in sets]

    async def model_codes() -> list[str]:
        items = (await manager.http.get("/api/blocked-models/", headers=headers)).json()["items"]
        return [item["blocked"]["code"] for item in items]

    assert await code() == "no-worker-for-runtime"
    assert await model_codes() == ["no-worker-for-runtime"]
    assert await queue_codes() == ["no-worker-for-runtime"]
    machine = await manager.worker()
    await manager.execute("update workers set seen_at = clock_timestamp(), paused = true")
    assert await code() == "workers-paused"
    await manager.execute("update workers set paused = false")
    assert await code() is None
    await manager.execute("update terms set weights_bytes = 2, unpinned = true")
    assert await machine.claim(memory_bytes=2) == []
    assert await code() == "weights-not-pinned"
    assert await machine.claim(memory_bytes=1, allow_unpinned=True) == []
    assert await code() == "too-little-memory"
    assert len(await machine.claim(memory_bytes=2, allow_unpinned=True)) == 1
    assert await code() is None
    assert await model_codes() == []
    assert await queue_codes() in ([], [None])
