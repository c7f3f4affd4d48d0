"""A scope that is too large for one job becomes an operation that makes several, each resource in one."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from expert.jobs.cover import cover_due
from expert.jobs.create import fill_job
from expert.operations import queries
from expert.operations.run import run_operation
from tests.expert.jobs.test_ask import JOBS, ask
from tests.support.make.expert_ai import Scene, expert, scene
from trapper_schemas.ids import uuid7

TOTALS = "select total from ai_classification_jobs order by id"


@pytest.fixture
async def project(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with expert(expert_database_url, tmp_path, job_max_resources=2) as work:
        yield await scene(work, resources=5)


async def started(project: Scene, **body: Any) -> UUID:
    answer = await ask(project, **body)
    assert answer.status_code == 202, answer.text
    reply = answer.json()
    assert reply["job"] is None
    assert answer.headers["Location"] == f"/api/operations/{reply['operation_id']}/"
    return UUID(reply["operation_id"])


async def test_large_scope_answers_202_and_its_operation_makes_the_jobs(project: Scene) -> None:
    assert (await ask(project, dry_run=True)).json() == {"job": None, "operation_id": None, "resources": 5}
    operation_id = await started(project, interactive=True)
    await cover_due(project.work)  # the operation takes what is due, and no sweep
    assert await project.sql(TOTALS) == []
    await run_operation(project.work, operation_id)
    assert await project.sql(TOTALS) == [(2,), (2,), (1,)]
    rows = await project.sql("select distinct operation_id, created_by, interactive from ai_classification_jobs")
    assert rows == [(operation_id, project.user_ids["owner"], True)]
    assert await project.sql("select count(*), count(distinct resource_id) from job_resources") == [(5, 5)]
    async with project.as_("owner") as client:
        reply = (await client.get(f"/api/operations/{operation_id}/")).json()
        jobs = (await client.get(JOBS)).json()["items"]
    assert (reply["state"], reply["kind"], reply["done"], reply["counters"]) == (
        "finished", "jobs.make", 5, {"jobs": 3},
    )  # fmt: skip
    assert {job["operation_id"] for job in jobs} == {str(operation_id)}
    await cover_due(project.work)
    assert len(await project.sql(TOTALS)) == 3
    assert await project.broken() == {}


async def test_same_key_starts_one_operation_and_another_body_is_refused(project: Scene) -> None:
    first, second = await started(project, key="k"), await started(project, key="k")
    assert first == second
    assert (await ask(project, key="k", interactive=True)).json()["type"] == "idempotency-key-reused"


async def test_selection_takes_the_selected_resources_only(project: Scene) -> None:
    selected = project.resource_ids[1:4]
    operation_id = await started(project, resource_ids=[str(resource_id) for resource_id in selected])
    await run_operation(project.work, operation_id)
    taken = await project.sql("select resource_id from job_resources order by resource_id")
    assert [resource_id for (resource_id,) in taken] == sorted(selected)


async def test_jobs_have_the_settings_of_the_moment_when_the_operation_was_started(project: Scene) -> None:
    operation_id = await started(project, overrides={"detection_threshold": 0.7})
    await project.sql("update classification_projects set detection_threshold = 0.9, species_ai_model_id = null")
    await run_operation(project.work, operation_id)
    configs = await project.sql("select job_config from ai_classification_jobs")
    assert {config["detection_threshold"] for (config,) in configs} == {0.7}
    assert {len(config["stages"]) for (config,) in configs} == {2}


async def test_crash_between_two_jobs_makes_no_resource_twice(project: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    operation_id = await started(project)
    calls = 0

    async def crash_at_the_second(*given: Any, **named: Any) -> None:
        nonlocal calls
        calls += 1
        await fill_job(*given, **named)
        if calls == 2:
            raise RuntimeError("the process was killed before the commit")

    monkeypatch.setattr("expert.jobs.make_jobs.fill_job", crash_at_the_second)
    await run_operation(project.work, operation_id)
    assert await project.sql(TOTALS) == [(2,)]
    await project.sql("update operations set next_attempt_at = now()")
    await run_operation(project.work, operation_id)
    assert await project.sql(TOTALS) == [(2,), (2,), (1,)]
    assert await project.sql("select count(*), count(distinct resource_id) from job_resources") == [(5, 5)]


async def test_missing_only_leaves_out_what_these_models_answered(project: Scene) -> None:
    await cover_due(project.work)
    operation_id = await started(project, missing_only=True)  # the first two are in an automatic job
    async with project.work.db() as db:
        operation = await queries.lock(db, operation_id)
        assert operation.total == 3
    await run_operation(project.work, operation_id)
    assert await project.sql(TOTALS) == [(2,), (2,), (1,)]
    assert await project.sql("select count(distinct resource_id) from job_resources") == [(5,)]


async def test_cancelled_operation_leaves_the_rest_to_the_sweep(project: Scene) -> None:
    operation_id = await started(project)
    async with project.as_("owner") as client:
        assert (await client.post(f"/api/operations/{operation_id}/cancel/")).json()["state"] == "cancelled"
    for _ in range(3):
        await cover_due(project.work)
    assert await project.sql("select sum(total), count(operation_id) from ai_classification_jobs") == [(5, 0)]


async def test_closed_link_ends_the_operation_with_a_reason(project: Scene) -> None:
    operation_id = await started(project)
    await project.sql("update classification_project_collections set revoked_at = now()")
    await run_operation(project.work, operation_id)
    async with project.as_("owner") as client:
        reply = (await client.get(f"/api/operations/{operation_id}/")).json()
    assert reply["state"] == "failed"
    assert "ended the link" in reply["error"]


async def test_large_job_is_run_again_by_an_operation(project: Scene) -> None:
    await cover_due(project.work)
    ((job_id, _), *_) = await project.sql("select id, total from ai_classification_jobs order by id")
    await project.sql("update job_resources set job_id = :j", j=job_id)
    ids = [{"j": job_id, "r": resource_id, "l": project.linked_collection_id} for resource_id in project.resource_ids]
    for row in ids:
        await project.sql(
            "insert into job_resources (job_id, resource_id, linked_collection_id, auto, outcome, has_animals)"
            " values (:j, :r, :l, false, 'done', false) on conflict do nothing",
            **row,
        )
    async with project.as_("owner") as client:
        answer = await client.post(f"{JOBS}{job_id}/rerun/", headers={"Idempotency-Key": str(uuid7())})
    assert (answer.status_code, answer.json()["resources"]) == (202, 5)
    await run_operation(project.work, UUID(answer.json()["operation_id"]))
    made = await project.sql("select total from ai_classification_jobs where operation_id is not null order by id")
    assert made == [(2,), (2,), (1,)]
