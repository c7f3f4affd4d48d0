"""Rows of imports and of other systems: what a row may come from, and what the database refuses."""

from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import UUID

import pytest

from expert.operations.queries import delete_expired
from tests.support.make.expert_ai import Scene, applied, expert, scene, submitted
from tests.support.make.results import results
from trapper_kit.db import IntegrityError
from trapper_schemas.ids import uuid7

IMPORTED = """insert into classifications (id, type, classification_project_id, resource_id, linked_collection_id,
      final_classification_id, static_attributes, created_at, updated_at, content_hash, import_operation_id)
    select gen_random_uuid(), 'ai', classification_project_id, resource_id, linked_collection_id, id, '{}',
      now(), now(), 'hash', :operation_id from classifications where type = 'final' limit 1"""
OPERATION = """insert into operations (id, kind, classification_project_id, state, parameters, position, total, done,
      counters, attempt, failures, logged, ended_at, expires_at)
    values (:id, 'test.import', :project_id, 'finished', '{}', '{}', 0, 0, '{}', 1, 0, 0, now(),
      now() - interval '1 day')"""
REMOTE = """update resources set sha256 = null, stored_sha256 = null, size_bytes = null, object_key = null,
    remote_url = 'https://example.org/1.jpg' where id = :id"""
STATEMENT = """insert into sequence_observations (id, classification_project_id, observation_type, owner_id, created_at,
      external_id) values (gen_random_uuid(), :project_id, 'animal', :owner_id, now(), 'e1')"""


@pytest.fixture
async def looked_at(expert_database_url: str, tmp_path: Path) -> AsyncGenerator[Scene, None]:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await applied(made, await submitted(made), results(batch_id=uuid7(), resource_ids=made.resource_ids))
        yield made


async def _operation(made: Scene) -> UUID:
    operation_id = uuid7()
    await made.sql(OPERATION.replace(":project_id", f"'{made.project_id}'"), id=operation_id)
    return operation_id


async def test_blank_rows_are_about_the_whole_resource(looked_at: Scene) -> None:
    levels = await looked_at.sql("select distinct observation_type, observation_level from observations order by 1")
    assert [tuple(row) for row in levels] == [("animal", "object"), ("blank", "resource")]


async def test_imported_row_names_its_operation_and_no_job(looked_at: Scene) -> None:
    operation_id = await _operation(looked_at)
    await looked_at.sql(IMPORTED, operation_id=operation_id)
    with pytest.raises(IntegrityError, match="classifications_current_ai_key"):
        await looked_at.sql(IMPORTED, operation_id=operation_id)
    imported = "where import_operation_id is not null"
    for change, constraint in (
        (f"batch_row = 1 {imported}", "provenance"),
        (f"import_operation_id = null {imported}", "provenance"),
        ("import_operation_id = :operation_id where type = 'final'", "provenance"),
        ("import_operation_id = :operation_id where job_id is not null", "provenance"),
        ("provider_id = null where job_id is not null", "provenance"),
    ):
        values = {"operation_id": operation_id} if ":operation_id" in change else {}
        with pytest.raises(IntegrityError, match=f"classifications_{constraint}_check"):
            await looked_at.sql(f"update classifications set {change}", **values)  # noqa: S608 - ours


async def test_operation_that_rows_stem_from_is_kept(looked_at: Scene) -> None:
    kept, deleted = await _operation(looked_at), await _operation(looked_at)
    await looked_at.sql(IMPORTED, operation_id=kept)
    async with looked_at.work.db() as db:
        assert await delete_expired(db, limit=10) == 1
    assert [row[0] for row in await looked_at.sql("select id from operations")] == [kept]
    assert deleted != kept


@pytest.mark.parametrize("table", ["observations", "resources"])
async def test_external_id_occurs_once_in_a_project(looked_at: Scene, table: str) -> None:
    with pytest.raises(IntegrityError, match=f"{table}_external_id_key"):
        await looked_at.sql(f"update {table} set external_id = 'x'")  # noqa: S608 - ours


async def test_resource_is_stored_or_elsewhere(looked_at: Scene) -> None:
    resource_id = looked_at.resource_ids[0]
    for change in ("remote_url = 'https://example.org/1.jpg'", "sha256 = null", "object_key = null"):
        with pytest.raises(IntegrityError, match="resources_stored_or_remote_check"):
            await looked_at.sql(f"update resources set {change}")  # noqa: S608 - ours
    await looked_at.sql(REMOTE, id=resource_id)
    with pytest.raises(IntegrityError, match="resources_remote_is_described_check"):
        await looked_at.sql("update resources set state = 'stored', described_at = null where remote_url is not null")
    async with looked_at.as_("owner") as client:
        reply = (await client.get(f"/api/resources/{resource_id}/")).json()
        media = await client.get(f"/api/media/{resource_id}/original")
        project = (await client.get(f"/api/classification-projects/{looked_at.project_id}/")).json()
    assert (reply["remote_url"], reply["sha256"], reply["size_bytes"]) == ("https://example.org/1.jpg", None, None)
    assert media.status_code == 409, media.text
    assert media.json()["type"].endswith("media-remote")
    assert media.json()["remote_url"] == "https://example.org/1.jpg"
    assert project["id"] == str(looked_at.project_id)
    assert await looked_at.broken() == {}


async def test_no_job_takes_a_resource_that_lies_elsewhere(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, required_ai_classification=True)
        await made.sql(REMOTE, id=made.resource_ids[0])
        job_id = await submitted(made)
        taken = await made.sql("select resource_id from job_resources where job_id = :id order by 1", id=job_id)
        assert [row[0] for row in taken] == list(made.resource_ids[1:])
        body = {
            "classification_project_id": str(made.project_id),
            "resource_id": str(made.resource_ids[0]),
            "dynamic_attrs": [{"observation_type": "unknown", "observation_level": "resource"}],
        }
        async with made.as_("owner") as client:
            path, key = "/api/media-classifications/classifications/", {"Idempotency-Key": str(uuid7())}
            answer = await client.post(path, json=body, headers=key)
        assert answer.status_code == 201, answer.text
        assert answer.json()["dynamic_attrs"][0]["observation_level"] == "resource"


async def test_statement_about_a_sequence_comes_from_one_source(looked_at: Scene) -> None:
    values = {"project_id": looked_at.project_id, "owner_id": looked_at.user_ids["owner"]}
    await looked_at.sql(STATEMENT, **values)
    with pytest.raises(IntegrityError, match="sequence_observations_external_id_key"):
        await looked_at.sql(STATEMENT, **values)
    for change, constraint in {
        "owner_id = null": "provenance",
        "algorithm_id = (select min(id::text)::uuid from algorithms)": "provenance",
        "count = 0": "count",
        "probability = 1.1": "probability",
        "observation_type = 'blank', count = 1": "nothing_seen",
        "observation_type = 'human', sex = 'male'": "no_animal",
        "individual_id = 'x', count = 2": "individual",
    }.items():
        with pytest.raises(IntegrityError, match=f"sequence_observations_{constraint}_check"):
            await looked_at.sql(f"update sequence_observations set {change}")  # noqa: S608 - ours
