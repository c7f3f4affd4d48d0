"""A retired version: jobs in flight go on, new ones are refused in plain words, and it can come back."""

from typing import Any

import pytest

from ai_manager.access.state import Scope
from ai_manager.catalog.sync_models_from_schemas import sync_models_from_schemas
from tests.support.make.ai_manager import DETECTOR_SHA256, WEIGHTS, Manager, model_entry
from trapper_schemas.v1.models import ModelEntry

NAME = "test-detector"


@pytest.fixture
async def operator(manager: Manager) -> dict[str, str]:
    return await manager.token(Scope.PUBLISH, name="operator")


async def retire(manager: Manager, headers: dict[str, str], name: str = NAME, **more: Any) -> tuple[int, Any]:
    body = {"version": "1", **more}
    answer = await manager.http.post(f"/api/models/{name}/retire/", json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_jobs_in_flight_go_on_and_new_ones_are_refused(
    manager: Manager, operator: dict[str, str], expert: dict[str, str]
) -> None:
    path = f"/api/models/{DETECTOR_SHA256}/weights"
    await manager.http.put(path, content=WEIGHTS, headers=operator)
    job_id = await manager.planned(expert)
    status, entry = await retire(manager, operator)
    assert (status, entry["state"]) == (200, "retired")
    assert (await retire(manager, operator))[0] == 200
    refused = await manager.submit(expert)
    assert (refused.status_code, refused.json()["type"]) == (422, "model-not-ready")
    assert "retired" in refused.json()["detail"]
    machine = await manager.worker()
    (lease,) = await machine.claim()
    assert lease.stages[0].model.name == NAME
    assert (await manager.http.get(path, headers=machine.headers)).content == WEIGHTS
    assert (await machine.finish(lease)).status_code == 200
    assert (await manager.job(expert, job_id)).state == "finished"


async def test_it_comes_back_as_it_was(manager: Manager, operator: dict[str, str], expert: dict[str, str]) -> None:
    await retire(manager, operator)
    assert (await retire(manager, operator, retired=False))[1]["state"] == "published"
    assert (await retire(manager, operator, retired=False))[1]["state"] == "published"
    assert (await manager.submit(expert)).status_code == 201


async def test_it_does_not_come_back_over_another_of_its_name(manager: Manager, operator: dict[str, str]) -> None:
    await retire(manager, operator)
    other = {"entry": model_entry(sha256="9" * 64)}
    assert (await manager.http.post("/api/models/", json=other, headers=operator)).status_code == 201
    status, refused = await retire(manager, operator, retired=False)
    assert (status, refused["type"]) == (409, "model-immutable")


async def test_a_sync_does_not_bring_back_what_an_operator_retired(manager: Manager, operator: dict[str, str]) -> None:
    entry = ModelEntry.model_validate(model_entry(name="shipped", sha256="3" * 64))
    await sync_models_from_schemas(manager.work, [entry], None)
    await retire(manager, operator, "shipped")
    synced = await sync_models_from_schemas(manager.work, [entry], None)
    assert (synced.kept, synced.added, synced.changed) == (["shipped"], [], [])
    assert await manager.rows("select state from models where name = 'shipped'") == [{"state": "retired"}]


async def test_what_is_unknown_is_said_so_and_not_everybody_may(manager: Manager, operator: dict[str, str]) -> None:
    for more in ({}, {"retired": False}):
        status, refused = await retire(manager, operator, "nobody", **more)
        assert (status, refused["type"]) == (404, "model-not-found")
    assert (await retire(manager, await manager.token(Scope.JOBS)))[0] == 403
