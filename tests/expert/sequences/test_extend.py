"""Sequences that grow by any order of uploads and changes are those of a rebuild from nothing."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from expert.deployments.models import Deployment
from expert.operations.run import run_operation
from expert.sequences.build import build_missing, start_build
from expert.sequences.extend import extend_changed, extend_link
from tests.support.make.expert_ai import Scene, add_pictures, expert, scene
from trapper_schemas.ids import uuid7

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GROUPS = """
    select array_agg(resource_id order by captured_at, resource_id) from sequence_members
    group by sequence_id order by 1"""


@pytest.fixture
async def project(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work, resources=0, sequence_interval_seconds=300)
        async with work.db() as db:
            for number in DEPLOYMENTS:
                row = Deployment(id=number, research_project_id=made.research_project_id, deployment_id=str(number))
                db.add(row)
        await build_missing(work)
        yield made


DEPLOYMENTS = [UUID(int=1), UUID(int=2)]


async def put(made: Scene, *minutes: float | None, deployment: int = 0, **columns: Any) -> list[UUID]:
    """Described pictures of a deployment at these minutes; None for a picture without a time."""
    ids = [uuid7() for _ in minutes]
    await add_pictures(made, ids)
    for resource_id, minute in zip(ids, minutes, strict=True):
        await set_(made, resource_id, minute=minute, deployment=deployment, **columns)
    return ids


async def set_(made: Scene, resource_id: UUID, *, minute: float | None, deployment: int = 0, **columns: Any) -> None:
    moment = None if minute is None else BEGIN + minute * MINUTE
    given_ = {"captured_at": moment, "deployment_id": DEPLOYMENTS[deployment], "time_override": moment, **columns}
    assignments = ", ".join(f"{name} = :{name}" for name in given_)
    await made.sql(f"update resources set {assignments} where id = :id", id=resource_id, **given_)  # noqa: S608


async def groups(made: Scene) -> list[list[UUID]]:
    return [row[0] for row in await made.sql(GROUPS)]


async def ids_of(made: Scene, *resource_ids: UUID) -> list[UUID | None]:
    rows = dict(tuple(row) for row in await made.sql("select resource_id, sequence_id from sequence_members"))
    return [rows.get(resource_id) for resource_id in resource_ids]


async def extended(made: Scene) -> None:
    await extend_changed(made.work)
    assert await made.sql("select count(*) from sequence_changes") == [(0,)]
    assert await made.broken() == {}


async def rebuilt(made: Scene, *, from_nothing: bool = False) -> None:
    if from_nothing:
        await made.sql("delete from sequence_members")
        await made.sql("delete from sequences")
    async with made.work.db() as db:
        operation = await start_build(db, made.linked_collection_id)
    if operation is not None:
        await run_operation(made.work, operation.id)
    assert await made.broken() == {}


async def test_uploads_are_chained_by_their_gaps_and_one_alone_is_a_sequence(project: Scene) -> None:
    a, b, c = await put(project, 0, 5, 60)
    await extended(project)
    assert await groups(project) == sorted([[a, b], [c]])
    rows = await project.sql("select resource_count, first_at, last_at from sequences order by first_at")
    assert rows == [(2, BEGIN, BEGIN + 5 * MINUTE), (1, BEGIN + 60 * MINUTE, BEGIN + 60 * MINUTE)]


async def test_photo_in_between_merges_two_sequences_under_the_earlier_id(project: Scene) -> None:
    a, c = await put(project, 0, 8)
    await extended(project)
    first, _ = await ids_of(project, a, c)
    (b,) = await put(project, 4)
    await extended(project)
    assert await ids_of(project, a, b, c) == [first] * 3


async def test_photo_that_leaves_splits_its_sequence_and_the_earlier_part_keeps_the_id(project: Scene) -> None:
    a, b, c, d = await put(project, 0, 4, 8, 12)
    await extended(project)
    (first,) = set(await ids_of(project, a, b, c, d))
    await project.sql("update resources set is_active = false where id = :id", id=b)
    await extended(project)
    assert (await ids_of(project, a, b)) == [first, None]
    rest = await ids_of(project, c, d)
    assert rest[0] == rest[1] != first


async def test_photos_without_time_deployment_or_description_are_in_no_sequence(project: Scene) -> None:
    await put(project, None, 0, 1)
    await project.sql("update resources set deployment_id = null where captured_at = :at", at=BEGIN)
    await project.sql(
        "update resources set state = 'unreadable', failure_code = 'undecodable' where captured_at = :at",
        at=BEGIN + MINUTE,
    )
    await extended(project)
    assert await groups(project) == []


async def test_time_lapse_and_motion_and_deployments_are_chained_apart(project: Scene) -> None:
    a, b = await put(project, 0, 1)
    c, d = await put(project, 0.5, 1.5, capture_method="timeLapse")
    (e,) = await put(project, 0.7, deployment=1)
    await extended(project)
    assert await groups(project) == sorted([[a, b], [c, d], [e]])


async def test_clock_shift_of_a_deployment_keeps_the_ids(project: Scene) -> None:
    resources = await put(project, 0, 1, 60, 61)
    await extended(project)
    before = await ids_of(project, *resources)
    await project.sql("update resources set captured_at = captured_at + interval '7 hours'")
    await extended(project)
    assert await ids_of(project, *resources) == before


async def test_other_interval_rebuilds_and_untouched_ids_stay(project: Scene) -> None:
    a, b, c = await put(project, 0, 8, 60)
    await extended(project)
    first, _, third = await ids_of(project, a, b, c)
    await project.sql("update classification_project_collections set sequence_interval_seconds = 600")
    await build_missing(project.work)
    await build_missing(project.work)  # one operation is enough
    ((operation_id,),) = await project.sql("select id from operations")
    await run_operation(project.work, operation_id)
    assert await ids_of(project, a, b, c) == [first, first, third]
    await build_missing(project.work)
    assert await project.sql("select count(*) from operations") == [(1,)]


async def test_extension_reads_the_neighbours_alone(project: Scene) -> None:
    await put(project, *range(0, 300, 30))
    await extended(project)
    before = await project.sql("select id from sequences order by first_at")
    await put(project, 121)
    await extended(project)
    assert await project.sql("select id from sequences order by first_at") == before
    assert await project.sql("select sum(resource_count) from sequences") == [(11,)]


async def test_long_sequence_moves_its_rest_when_it_is_split(project: Scene) -> None:
    resources = await put(project, *range(0, 40, 4))
    await extended(project)
    await project.sql("update resources set is_active = false where id = :id", id=resources[4])
    await extended(project)
    assert await groups(project) == sorted([resources[:4], resources[5:]])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
async def test_any_order_of_changes_ends_in_the_groups_of_a_rebuild(project: Scene, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - the order of a test
    await project.sql("update resources set is_active = false")
    await project.sql("delete from sequence_markers")
    await extended(project)
    assert await groups(project) == []
    known: list[UUID] = []
    for _ in range(6):
        known += await put(
            project,
            *(dice.choice([None, *range(0, 60, 2)]) for _ in range(dice.randint(0, 4))),
            deployment=dice.randint(0, 1),
            capture_method=dice.choice([None, "timeLapse"]),
        )
        for resource_id in dice.sample(known, min(len(known), dice.randint(0, 3))):
            await set_(
                project,
                resource_id,
                minute=dice.choice([None, *range(0, 60, 2)]),
                deployment=dice.randint(0, 1),
                is_active=dice.random() < 0.9,
            )
        if len(known) > 1:
            first, second = dice.sample(known, 2)
            await project.sql(
                "insert into sequence_markers (id, linked_collection_id, resource_id, joined_resource_id, created_by)"
                " values (:id, :l, :a, :b, :p) on conflict do nothing",
                id=uuid7(), l=project.linked_collection_id, a=first, b=dice.choice([second, None]),
                p=project.user_ids["owner"],
            )  # fmt: skip
            await project.sql(
                "insert into sequence_changes (linked_collection_id, resource_id) values (:l, :a)"
                " on conflict do nothing",
                l=project.linked_collection_id,
                a=first,
            )
        if dice.random() < 0.6:
            while await extend_link(project.work, project.linked_collection_id):
                pass
    await extended(project)
    present = await groups(project)
    await rebuilt(project)
    assert await groups(project) == present
    await rebuilt(project, from_nothing=True)
    assert await groups(project) == present


async def test_a_change_that_is_committed_while_its_note_is_taken_is_not_lost(project: Scene) -> None:
    first, second = await put(project, 0, 1)
    await set_(project, second, minute=None)
    assert await project.sql("select count(*) from sequence_changes") == [(2,)]
    async with project.work.db() as db:
        statement = "update resources set captured_at = :at, time_override = :at where id = :id"
        await db.execute(text(statement), {"at": BEGIN + MINUTE, "id": second})
        await extend_changed(project.work)  # meanwhile: the new time is not committed yet
        assert await groups(project) == [[first]]
    await extended(project)
    assert await groups(project) == [[first, second]]
