"""Statistics are those of a recount: before and after folding, after any change, and after a crash."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from expert.access.state import ClassificationRole
from expert.deployments.models import Deployment
from expert.locations.models import Location
from expert.statistics.fold import fold_counts
from expert.statistics.queries_invariants import INVARIANTS
from tests.support.make.expert_ai import Scene, add_pictures, applied, asked_again, expert, scene, submitted
from tests.support.make.results import column, failed, results, seen
from trapper_schemas.ids import uuid7

PLACE, OTHER = UUID(int=1), UUID(int=2)
COUNTERS = ("resources", "with_ai", "without_ai", "failed", "blank", "by_people", "in_review", "approved")


@pytest.fixture
async def project(expert_database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """Three photos of a deployment in Warsaw: a fox, a blank one, and one that could not be read."""
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        await made.person("stranger", None)
        await made.person("viewer", ClassificationRole.VIEWER)
        research = {"research_project_id": made.research_project_id}
        async with work.db() as db:
            db.add(Location(id=PLACE, location_id="W", time_zone="Europe/Warsaw", **research))
            await db.flush()
            days = {"start_at": datetime(2026, 5, 1, 10, tzinfo=UTC), "end_at": datetime(2026, 5, 9, 10, tzinfo=UTC)}
            db.add(Deployment(id=PLACE, deployment_id="A", location_id=PLACE, **days, **research))
            db.add(Deployment(id=OTHER, deployment_id="B", **research))
        await made.sql(
            "update resources set deployment_id = :place, captured_at = :at, time_override = :at",
            place=PLACE,
            at=datetime(2026, 5, 3, 22, 30, tzinfo=UTC),
        )
        answer = results(batch_id=uuid7(), resource_ids=made.resource_ids)
        await applied(made, await submitted(made), answer)
        yield made


async def statistics(made: Scene, who: str = "owner") -> dict[str, Any]:
    async with made.as_(who) as client:
        answer = await client.get(f"/api/classification-projects/{made.project_id}/statistics/")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def folded(made: Scene) -> dict[str, Any]:
    """The statistics, which are the same before and after folding, and as a recount says."""
    before = await statistics(made)
    await fold_counts(made.work)
    after = await statistics(made)
    assert before == after
    assert await made.sql("select count(*) from count_changes") == [(0,)]
    assert await made.broken() == {}
    return after


async def decide(made: Scene, row: object, verb: str, version: int | None = None) -> dict[str, Any]:
    path = f"/api/media-classifications/classifications/{row}/{verb}/"
    match = {} if version is None else {"If-Match": f'"{version}"'}
    async with made.as_("owner") as client:
        answer = await client.post(path, headers={"Idempotency-Key": str(uuid7()), **match})
    assert answer.status_code < 300, answer.text
    return answer.json()


async def ai_row(made: Scene, resource: int) -> UUID:
    where = "type = 'ai' and superseded_by_id is null and resource_id = :id"
    ((row,),) = await made.sql(
        f"select id from classifications where {where}",  # noqa: S608 - a constant
        id=made.resource_ids[resource],
    )
    return row


async def test_a_project_in_numbers(project: Scene) -> None:
    answer = await folded(project)
    totals = {name: answer["totals"][name] for name in COUNTERS}
    assert totals == dict(zip(COUNTERS, (3, 2, 1, 1, 1, 0, 0, 0), strict=True))
    fox = project.taxa["Vulpes vulpes"]
    assert [(each["observation_type"], each["scientific_name"], each["by_ai"]) for each in answer["labels"]] == [
        ("animal", "Vulpes vulpes", {"resources": 1, "observations": 1}),
        ("blank", None, {"resources": 1, "observations": 1}),
    ]
    assert answer["labels"][0]["taxon_id"] == str(fox)
    assert [(day["day"], day["resources"]) for day in answer["days"]] == [("2026-05-04", 3)]
    assert [(hour["hour"], hour["resources"]) for hour in answer["hours"]] == [(0, 3)], "by the clock of Warsaw"
    (deployment,) = answer["deployments"]
    assert (deployment["name"], deployment["trap_nights"], deployment["resources"]) == ("A", 8, 3)
    assert (answer["trap_nights"], answer["pending"]) == (8, 0)


async def test_people_who_classify_and_approve_are_counted_at_once(project: Scene) -> None:
    await folded(project)
    forked = await decide(project, await ai_row(project, 0), "fork")
    totals = (await folded(project))["totals"]
    assert (totals["by_people"], totals["in_review"], totals["approved"]) == (1, 1, 0)
    await decide(project, forked["id"], "approve", 0)
    answer = await folded(project)
    totals = answer["totals"]
    assert (totals["by_people"], totals["in_review"], totals["approved"]) == (1, 0, 1)
    assert answer["labels"][0]["approved"] == {"resources": 1, "observations": 1}
    await decide(project, forked["id"], "unapprove", 1)
    assert (await folded(project))["totals"]["approved"] == 0


async def test_a_run_that_sees_something_else_replaces_what_was_counted(project: Scene) -> None:
    await folded(project)
    nothing = results(
        batch_id=uuid7(),
        resource_ids=project.resource_ids,
        outcomes=(seen(), seen(), failed()),
        resource_index=(),
        classified_rows=(),
        frame_index=column("<u4", []),
        box=column("<u2", [], 4),
        label=column("<u2", []),
        score=column("<u2", []),
        top_label=column("<u2", [], 2),
        top_score=column("<u2", [], 2),
    )
    await applied(project, await asked_again(project), nothing)
    answer = await folded(project)
    assert (answer["totals"]["blank"], answer["totals"]["with_ai"]) == (2, 2)
    assert [each["observation_type"] for each in answer["labels"]] == ["blank"]


async def test_what_a_caller_may_not_read_is_not_counted(project: Scene) -> None:
    path = f"/api/classification-projects/{project.project_id}/statistics/"
    async with project.as_("stranger") as client:
        assert (await client.get(path)).status_code == 404
    assert (await statistics(project, "viewer"))["totals"]["resources"] == 3
    await fold_counts(project.work)
    await project.sql("update classification_project_collections set revoked_at = now()")
    empty = await statistics(project, "viewer")
    assert (empty["totals"]["resources"], empty["labels"], empty["deployments"]) == (0, [], [])
    await fold_counts(project.work)
    assert (await statistics(project, "viewer"))["totals"]["resources"] == 0
    assert (await statistics(project, "owner"))["totals"]["resources"] == 3, "of a collection of their own"


async def test_a_resource_in_two_collections_of_a_project_counts_once(project: Scene) -> None:
    async with project.as_("owner") as client:
        headers = {"Idempotency-Key": "second"}
        body = {"research_project_id": str(project.research_project_id), "name": "second"}
        second = (await client.post("/api/collections/", json=body, headers=headers)).json()
        path = f"/api/classification-projects/{project.project_id}/collections/"
        link = await client.post(path, json={"collection_id": second["id"]}, headers={"Idempotency-Key": "link"})
    await project.sql(
        "insert into linked_collection_resources (linked_collection_id, resource_id)"
        " select :link, id from resources limit 2",
        link=UUID(link.json()["id"]),
    )
    assert (await folded(project))["totals"]["resources"] == 3
    await project.sql(
        "update classification_project_collections set revoked_at = now() where id = :link",
        link=project.linked_collection_id,
    )
    await fold_counts(project.work)
    assert (await statistics(project, "viewer"))["totals"]["resources"] == 2, "through the other collection"


_CHANGES = {
    "archive": "update resources set is_active = not is_active where id = :id",
    "move": "update resources set deployment_id = :other where id = :id",
    "no time": "update resources set captured_at = null where id = :id",
    "shift": "update resources set captured_at = captured_at + interval '25 hours' where id = :id",
    "taxon": "update observations set taxon_id = :taxon where resource_id = :id and observation_type = 'animal'"
    " and classification_id in (select id from classifications where locked_at is null)",
    "zone": "update locations set time_zone = 'Asia/Tokyo'",
    "unknown zone": "update locations set time_zone = 'Europe/Nowhere'",
    "other place": "update deployments set location_id = null where id = :place",
    "unlink": "delete from linked_collection_resources where resource_id = :id",
}


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_of_changes_is_a_recount(project: Scene, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    await project.sql("delete from sequence_members")
    await project.sql("delete from collection_resources")
    for name in chance.choices(list(_CHANGES), k=12):
        values: dict[str, UUID | None] = {"id": chance.choice(project.resource_ids), "other": OTHER, "place": PLACE}
        values["taxon"] = chance.choice([*project.taxa.values(), None])
        given = {key: value for key, value in values.items() if f":{key}" in _CHANGES[name]}
        await project.sql(_CHANGES[name], **given)
        if chance.random() < 0.3:
            await add_pictures(project, [uuid7()])
        if chance.random() < 0.5:
            before = await statistics(project)
            await fold_counts(project.work)
            assert before == await statistics(project), name
    await fold_counts(project.work)
    for sentence, statement in INVARIANTS.items():
        assert await project.sql(statement) == [], sentence


async def test_a_crash_at_any_statement_of_folding_loses_and_doubles_nothing(project: Scene) -> None:
    expected = await statistics(project)
    engine = project.work.database.engine.sync_engine
    for fatal in range(10):
        statements = iter(range(100))

        def die(*_: Any, statements: Any = statements, fatal: int = fatal) -> None:
            if next(statements) == fatal:
                raise ConnectionError("the process dies here")

        event.listen(engine, "after_cursor_execute", die)
        try:
            await fold_counts(project.work)
            break
        except ConnectionError:
            pass
        finally:
            event.remove(engine, "after_cursor_execute", die)
        assert await project.sql("select count(*) from project_counts") == [(0,)]
        assert await statistics(project) == expected
    else:
        pytest.fail("folding has more statements than this test looks at")
    assert fatal >= 3
    assert await folded(project) == expected


async def test_folding_twice_at_once_counts_once(project: Scene) -> None:
    expected = await statistics(project)
    await asyncio.gather(*(fold_counts(project.work) for _ in range(3)))
    assert await folded(project) == expected


async def test_changes_beyond_what_a_reader_counts_are_told(project: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await fold_counts(project.work)
    monkeypatch.setattr("expert.statistics.routes._TAIL", 1)
    await add_pictures(project, [uuid7() for _ in range(3)])
    answer = await statistics(project)
    assert (answer["totals"]["resources"], answer["pending"]) == (4, 2)
    await fold_counts(project.work)
    answer = await statistics(project)
    assert (answer["totals"]["resources"], answer["pending"]) == (6, 0)
