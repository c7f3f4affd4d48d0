"""Resources that nobody asked about become jobs by themselves, each once."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from expert.classification_projects.models import LinkedCollection
from expert.collections.models import Collection
from expert.jobs import queries
from expert.jobs.cover import cover_due
from expert.resources.state import ResourceState
from expert.settings import Intervals
from tests.support.make.expert_ai import Scene, add_pictures, expert, scene
from trapper_schemas.ids import uuid7


async def test_due_resources_become_one_job_with_its_configuration_frozen(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await cover_due(work)
        ((stage, total, config, created_by),) = await made.sql(
            "select stage, total, job_config, created_by from ai_classification_jobs"
        )
        assert (stage, total, created_by) == ("created", 3, None)
        assert [one["kind"] for one in config["stages"]] == ["detection", "classification"]
        assert config["stages"][0]["model"]["sha256"] == "a" * 64
        assert (config["detection_threshold"], config["classification_threshold"]) == (0.2, 0.5)
        await cover_due(work)
        assert await made.sql("select count(*) from ai_classification_jobs") == [(1,)]
        assert await made.broken() == {}


async def test_two_sweeps_at_once_take_nothing_twice(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=40)
        await asyncio.gather(*(cover_due(work) for _ in range(5)))
        assert await made.sql("select count(*), count(distinct resource_id) from job_resources") == [(40, 40)]
        assert await made.broken() == {}


async def test_a_job_is_not_larger_than_the_setting(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path, job_max_resources=2) as work:
        made = await scene(work, resources=5)
        for _ in range(4):
            await cover_due(work)
        totals = await made.sql("select total from ai_classification_jobs order by id")
        assert [total for (total,) in totals] == [2, 2, 1]


async def test_unreadable_and_undescribed_resources_are_not_due(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=0)
        await add_pictures(made, [uuid7()], state=ResourceState.STORED)
        await cover_due(work)
        assert await made.sql("select count(*) from ai_classification_jobs") == [(0,)]


async def test_archived_things_make_no_job_until_they_come_back(expert_database_url: str, tmp_path: Path) -> None:
    jobs = "select total from ai_classification_jobs order by id"
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        for table, column, archived, active in (
            ("classification_project_collections", "is_active", "false", "true"),
            ("collections", "is_active", "false", "true"),
            ("classification_projects", "status", "'finished'", "'ongoing'"),
            ("ai_providers", "is_active", "false", "true"),
            ("ai_provider_connections", "is_active", "false", "true"),
            ("resources", "is_active", "false", "true"),
        ):
            await made.sql(f"update {table} set {column} = {archived}")  # noqa: S608 - names of this test
            await cover_due(work)
            assert await made.sql(jobs) == [], table
            await made.sql(f"update {table} set {column} = {active}")  # noqa: S608 - names of this test
        await made.sql("update resources set is_active = false where id = :id", id=made.resource_ids[0])
        await cover_due(work)
        assert await made.sql(jobs) == [(2,)]
        await made.sql("update resources set is_active = true")
        await cover_due(work)
        assert await made.sql(jobs) == [(2,), (1,)]
        assert await made.broken() == {}


async def test_what_the_same_models_answered_in_another_collection_of_the_project_is_not_looked_at_again(
    expert_database_url: str, tmp_path: Path
) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await cover_due(work)
        second_link = await link_second_collection(made)
        await cover_due(work)  # pending in the first collection's job
        jobs = "select linked_collection_id, total from ai_classification_jobs order by id"
        assert await made.sql(jobs) == [(made.linked_collection_id, 3)]
        first, second, third = made.resource_ids
        for resource_id, outcome, code in (
            (first, "done", None), (second, "failed", "killed-worker"), (third, "failed", "undecodable"),
        ):  # fmt: skip
            await made.sql(
                "update job_resources set outcome = :o, code = :c where resource_id = :r",
                o=outcome,
                c=code,
                r=resource_id,
            )
        await cover_due(work)
        assert await made.sql(jobs) == [(made.linked_collection_id, 3), (second_link, 1)]
        linked = (
            "select resource_id, ai_ended_at is null from linked_collection_resources where linked_collection_id = :l"
        )
        waits = dict(await made.sql(linked, l=second_link))
        assert waits == {first: False, second: True, third: False}
        await made.sql("update classification_projects set species_ai_model_id = null")
        third_link = await link_second_collection(made)
        await cover_due(work)  # other models than before
        assert (await made.sql(jobs))[-1] == (third_link, 3)


async def link_second_collection(made: Scene) -> UUID:
    """Another linked collection of the project with the same resources."""
    async with made.work.db() as db:
        collection = Collection(research_project_id=made.research_project_id, name=str(uuid7()))
        db.add(collection)
        await db.flush()
        link = LinkedCollection(
            classification_project_id=made.project_id, collection_id=collection.id, consented_at=made.work.clock.now()
        )
        db.add(link)
        await db.flush()
        link_id = link.id
        await db.execute(
            text(
                "insert into linked_collection_resources (linked_collection_id, resource_id)"
                " select :l, id from resources where id = any(:ids)"
            ),
            {"l": link_id, "ids": list(made.resource_ids)},
        )
    return link_id


async def test_a_project_without_a_detector_is_due_when_it_gets_one(expert_database_url: str, tmp_path: Path) -> None:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, object_detection_ai_model_id=None)
        await cover_due(work)
        assert await made.sql("select count(*) from ai_classification_jobs") == [(0,)]
        await made.sql("update classification_projects set object_detection_ai_model_id = :d", d=made.detector_id)
        await cover_due(work)
        assert await made.sql("select total from ai_classification_jobs") == [(3,)]


async def test_resources_are_gathered_until_no_new_one_comes_or_the_oldest_waited_long(
    expert_database_url: str, tmp_path: Path
) -> None:
    patient = Intervals(gather_quiet=3600, gather_at_most=7200)
    async with expert(expert_database_url, tmp_path, intervals=patient) as work:
        made = await scene(work)
        await cover_due(work)  # linked a moment ago: more may come
        assert await made.sql("select count(*) from ai_classification_jobs") == [(0,)]
        await made.sql("update linked_collection_resources set created_at = created_at - interval '61 minutes'")
        await cover_due(work)
        assert await made.sql("select count(*) from ai_classification_jobs") == [(1,)]


@pytest.mark.parametrize("minutes", [-10, 10])
async def test_a_wrong_clock_of_this_machine_makes_no_job_sooner_or_later(
    expert_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    patient = Intervals(gather_quiet=300, gather_at_most=300)
    async with expert(expert_database_url, tmp_path, intervals=patient) as work:
        made = await scene(work)
        right = work.clock.now
        monkeypatch.setattr(work.clock, "now", lambda: right() + timedelta(minutes=minutes))
        await cover_due(work)
        assert await made.sql("select count(*) from ai_classification_jobs") == [(0,)]
        await made.sql("update linked_collection_resources set created_at = created_at - interval '301 seconds'")
        await cover_due(work)
        async with work.db() as db:
            assert len(await queries.waiting(db, limit=10)) == 1
