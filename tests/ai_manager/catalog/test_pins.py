"""Unpinned entries: workers propose, an operator confirms, and only who allows it runs them meanwhile."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from ai_manager.access.state import Scope
from ai_manager.catalog.propose_pin import propose_pins
from ai_manager.catalog.sync_models_from_schemas import sync_models_from_schemas
from tests.support.make.ai_manager import Machine, Manager, job_request, model_entry, stage
from tests.support.make.results import stage_run
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import ModelEntry, ModelPins, ModelRef
from trapper_schemas.v1.workers import PinProposal

NAME, ONE, TWO = "unseen", "1" * 64, "2" * 64
UNPINNED = {"name": NAME, "version": "1", "sha256": None, "unpinned": True}


@pytest.fixture
async def operator(manager: Manager) -> dict[str, str]:
    """Headers of who may pin; the catalogue has an entry that nobody has seen the weights of."""
    entry = ModelEntry.model_validate(model_entry(name=NAME, sha256=None))
    await sync_models_from_schemas(manager.work, [entry], None)
    return await manager.token(Scope.PUBLISH, name="operator")


async def propose(manager: Manager, sha256: str, *, by: str, size: int = 100, name: str = NAME, **more: Any) -> int:
    pins = [PinProposal(name=name, version="1", sha256=sha256, size_bytes=size)]
    async with manager.work.db() as db:
        worker_id: UUID = more.pop("worker_id", None) or uuid7()
        return await propose_pins(db, pins, worker_id=worker_id, worker_name=by, now=manager.work.clock.now())


async def pins(manager: Manager, headers: dict[str, str]) -> ModelPins:
    answer = await manager.http.get(f"/api/models/{NAME}/pins/?version=1", headers=headers)
    assert answer.status_code == 200, answer.text
    return ModelPins.model_validate(answer.json())


async def confirm(manager: Manager, headers: dict[str, str], sha256: str, **more: Any) -> tuple[int, Any]:
    body = {"version": "1", "sha256": sha256, **more}
    answer = await manager.http.post(f"/api/models/{more.pop('name', NAME)}/pin/", json=body, headers=headers)
    return answer.status_code, answer.json()


async def test_what_contradicts_itself_is_shown_and_an_operator_chooses(
    manager: Manager, operator: dict[str, str]
) -> None:
    assert await propose(manager, ONE, by="first") == 1
    assert await propose(manager, TWO, by="second", size=200) == 1
    shown = await pins(manager, operator)
    assert shown.sha256 is None
    assert [(one.sha256, one.size_bytes, [worker.name for worker in one.workers]) for one in shown.proposals] == [
        (ONE, 100, ["first"]),
        (TWO, 200, ["second"]),
    ]
    status, entry = await confirm(manager, operator, TWO)
    assert (status, entry["sha256"], entry["size_bytes"], entry["origin"]) == (200, TWO, 200, "operator")
    assert (await confirm(manager, operator, TWO))[0] == 200
    status, refused = await confirm(manager, operator, ONE)
    assert (status, refused["type"]) == (409, "model-immutable")
    assert (await pins(manager, operator)).sha256 == TWO


async def test_a_worker_that_repeats_itself_changes_nothing_and_one_that_floods_is_cut_off(
    manager: Manager, operator: dict[str, str]
) -> None:
    worker_id = uuid7()
    assert await propose(manager, ONE, by="one", worker_id=worker_id) == 1
    assert await propose(manager, ONE, by="one", worker_id=worker_id) == 0
    for number in range(20):
        await propose(manager, f"{number:064x}", by="one", worker_id=worker_id)
    assert len((await pins(manager, operator)).proposals) == 8


async def test_proposals_for_what_is_unknown_or_pinned_are_passed_over(
    manager: Manager, operator: dict[str, str]
) -> None:
    assert await propose(manager, ONE, by="one", name="nobody-knows") == 0
    await confirm(manager, operator, ONE)
    assert await propose(manager, TWO, by="late") == 0
    assert (await pins(manager, operator)).proposals == []


async def test_a_sync_leaves_a_pin_alone(manager: Manager, operator: dict[str, str]) -> None:
    await confirm(manager, operator, ONE, size_bytes=7)
    entry = ModelEntry.model_validate(model_entry(name=NAME, sha256=None, description="better told"))
    assert (await sync_models_from_schemas(manager.work, [entry], None)).kept == [NAME]
    rows = await manager.rows("select sha256, entry->>'size_bytes' as size from models where name = 'unseen'")
    assert rows == [{"sha256": ONE, "size": "7"}]


async def test_only_what_can_be_run_is_pinned_and_only_by_who_may(manager: Manager, operator: dict[str, str]) -> None:
    for entry in (
        model_entry(name="elsewhere", sha256=None, availability="convert"),
        model_entry(name="unsaid", sha256=None, spec=None),
    ):
        await sync_models_from_schemas(manager.work, [ModelEntry.model_validate(entry)], None)
        path, body = f"/api/models/{entry['name']}/pin/", {"version": "1", "sha256": ONE}
        refused = await manager.http.post(path, json=body, headers=operator)
        assert (refused.status_code, refused.json()["type"]) == (422, "model-not-ready")
        assert "trapper models " in refused.json()["detail"]
    assert (await confirm(manager, operator, "no hash"))[0] == 422
    missing = await manager.http.post("/api/models/nobody/pin/", json={"version": "1", "sha256": ONE}, headers=operator)
    assert (missing.status_code, missing.json()["type"]) == (404, "model-not-found")
    stranger = await manager.token(Scope.JOBS)
    assert (await confirm(manager, stranger, ONE))[0] == 403


async def test_a_job_on_an_unpinned_model_names_the_command_unless_it_asks_for_it(
    manager: Manager, operator: dict[str, str], expert: dict[str, str]
) -> None:
    pinless = stage(model={**UNPINNED, "unpinned": False})
    refused = await manager.submit(expert, job_request(stages=[pinless]))
    assert (refused.status_code, refused.json()["type"]) == (422, "invalid")
    assert "unpinned" in str(refused.json()["errors"])
    assert (await manager.submit(expert, job_request(stages=[stage(model=UNPINNED)]))).status_code == 201
    unknown = {**UNPINNED, "name": "nobody-knows"}
    missing = await manager.submit(expert, job_request(stages=[stage(model=unknown)]))
    assert (missing.status_code, missing.json()["type"]) == (422, "unknown-model")


async def _unpinned_batch(manager: Manager, expert: dict[str, str]) -> Machine:
    await manager.planned(expert, job_request(stages=[stage(model=UNPINNED)]))
    return await manager.worker()


async def test_only_a_worker_that_allows_it_gets_unpinned_work_and_its_results_say_so(
    manager: Manager, operator: dict[str, str], expert: dict[str, str]
) -> None:
    machine = await _unpinned_batch(manager, expert)
    assert await machine.claim() == []
    (lease,) = await machine.claim(allow_unpinned=True)
    assert lease.stages[0].model.sha256 is None

    async def save(**changes: Any) -> httpx.Response:
        model = ModelRef.model_validate({**UNPINNED, "sha256": ONE, **changes})
        return await machine.finish(lease, stages=(stage_run(model=model),))

    for untrue in ({"unpinned": False}, {"name": "another"}, {"sha256": None}):
        refused = await save(**untrue)
        assert (refused.status_code, refused.json()["reason"]) == (422, "model")
    assert (await save()).status_code == 200


async def test_a_pin_in_the_middle_of_a_job_reaches_its_workers(
    manager: Manager, operator: dict[str, str], expert: dict[str, str]
) -> None:
    machine = await _unpinned_batch(manager, expert)
    await confirm(manager, operator, ONE)
    (lease,) = await machine.claim(allow_unpinned=True)
    assert lease.stages[0].model.sha256 == ONE


async def test_a_kind_that_no_job_runs_is_refused_in_plain_words(
    manager: Manager, operator: dict[str, str], expert: dict[str, str]
) -> None:
    sha256 = "d" * 64
    spec = {**model_entry()["spec"], "predictor": "depth", "labels": []}
    await manager.publish(model_entry(name="near", kind="depth", sha256=sha256, spec=spec))
    more = stage(kind="depth", model={"name": "near", "version": "1", "sha256": sha256})
    refused = await manager.submit(expert, job_request(stages=[stage(), more]))
    assert (refused.status_code, refused.json()["type"]) == (422, "model-not-ready")
    assert "no job runs those yet" in refused.json()["detail"]
