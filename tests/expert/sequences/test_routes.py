"""People read sequences, split and merge them, and a rebuild keeps what they did."""

from typing import Any
from uuid import UUID

from expert.access.state import ClassificationRole
from expert.operations.run import run_operation
from tests.expert.sequences.test_extend import BEGIN, MINUTE, extended, groups, project, put, rebuilt
from tests.support.make.expert_ai import Scene
from trapper_schemas.ids import uuid7

assert project.__name__  # a fixture
SEQUENCES = "/api/sequences/"
CLASSIFICATIONS = "/api/media-classifications/classifications/"


async def listed(made: Scene, **filters: Any) -> list[dict[str, Any]]:
    async with made.as_("owner") as client:
        answer = await client.get(SEQUENCES, params=filters)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


async def test_list_is_ordered_by_time_and_narrowed_by_filters(project: Scene) -> None:
    a, b, c = await put(project, 60, 61, 0)
    (d,) = await put(project, 200, deployment=1, capture_method="timeLapse")
    await extended(project)
    early, pair, lapse = await listed(project)
    assert [row["resource_count"] for row in (early, pair, lapse)] == [1, 2, 1]
    assert lapse["is_time_lapse"] is True
    link = {"linked_collection_id": str(project.linked_collection_id)}
    assert await listed(project, **link, min_resources=2) == [pair]
    assert await listed(project, is_time_lapse=True) == [lapse]
    assert await listed(project, deployment_id=lapse["deployment_id"]) == [lapse]
    assert await listed(project, resource_id=str(c)) == [early]
    assert await listed(project, captured_until=(BEGIN + 60 * MINUTE).isoformat()) == [early]
    assert await listed(project, captured_from=(BEGIN + 61 * MINUTE).isoformat()) == [pair, lapse]
    async with project.as_("owner") as client:
        first = (await client.get(SEQUENCES, params={"limit": 2})).json()
        second = (await client.get(SEQUENCES, params={"limit": 2, "cursor": first["next_cursor"]})).json()
        assert [row["id"] for row in first["items"] + second["items"]] == [early["id"], pair["id"], lapse["id"]]
        detail = (await client.get(f"{SEQUENCES}{pair['id']}/")).json()
        members = (await client.get(f"{SEQUENCES}{pair['id']}/resources/", params={"limit": 1})).json()
        counts = (await client.get(f"{SEQUENCES}counts/", params=link)).json()
    assert [row["resource_id"] for row in detail["resources"]] == [str(a), str(b)]
    assert [row["resource_id"] for row in members["items"]] == [str(a)]
    assert members["next_cursor"]
    assert counts == {"sequences": 3, "resources": 4, "pending": 0, "is_built": True}
    assert d not in {a, b, c}


async def test_neighbours_of_a_resource_are_those_of_its_deployment_across_sequences(project: Scene) -> None:
    resources = await put(project, 0, 30, 60, 90)
    await put(project, 31, deployment=1)
    await extended(project)
    async with project.as_("owner") as client:
        path = f"/api/resources/{resources[1]}/neighbours/"
        link = {"linked_collection_id": str(project.linked_collection_id)}
        reply = (await client.get(path, params={**link, "limit": 1})).json()
        missing = await client.get(f"/api/resources/{uuid7()}/neighbours/", params=link)
    sides = {side: [row["resource_id"] for row in reply[side]] for side in ("before", "after")}
    assert sides == {"before": [str(resources[0])], "after": [str(resources[2])]}
    assert reply["resource"]["resource_id"] == str(resources[1])
    assert missing.status_code == 404


async def test_split_and_merge_are_kept_by_uploads_and_by_a_rebuild(project: Scene) -> None:
    a, b, c, d = await put(project, 0, 1, 2, 60)
    await extended(project)
    (first, last) = await listed(project)
    async with project.as_("owner") as client:
        answer = await client.post(f"{SEQUENCES}{first['id']}/split/", json={"resource_id": str(b)})
        assert answer.status_code == 200, answer.text
        earlier, later = answer.json()["items"]
        assert (earlier["id"], earlier["resource_count"], later["resource_count"]) == (first["id"], 1, 2)
        ids = [later["id"], last["id"]]
        merged = (await client.post(f"{SEQUENCES}merge/", json={"sequence_ids": ids})).json()
        assert (merged["id"], merged["resource_count"]) == (later["id"], 3)
    (e,) = await put(project, 30)  # between the joined ones, far from both
    await extended(project)
    expected = sorted([[a], [b, c, e, d]])
    assert await groups(project) == expected
    await rebuilt(project)
    assert await groups(project) == expected
    assert {row["id"] for row in await listed(project)} == {first["id"], later["id"]}
    async with project.as_("owner") as client:  # merging takes a split back
        ids = [first["id"], later["id"]]
        assert (await client.post(f"{SEQUENCES}merge/", json={"sequence_ids": ids})).json()["id"] == first["id"]
    await rebuilt(project, from_nothing=True)
    assert await groups(project) == [[a, b, c, e, d]]


async def test_what_cannot_be_split_or_merged_is_refused_with_a_reason(project: Scene) -> None:
    a, _ = await put(project, 0, 1)
    (far,) = await put(project, 0, deployment=1)
    await extended(project)
    rows = {row["deployment_id"]: row["id"] for row in await listed(project)}
    first, second = rows.values()
    await project.person("viewer", ClassificationRole.VIEWER)
    async with project.as_("owner") as client:
        own = next(row["id"] for row in await listed(project, resource_id=str(a)))
        for resource_id in (a, far, uuid7()):
            answer = await client.post(f"{SEQUENCES}{own}/split/", json={"resource_id": str(resource_id)})
            assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", "resource_id"])
        apart = await client.post(f"{SEQUENCES}merge/", json={"sequence_ids": [first, second]})
        assert (apart.status_code, apart.json()["type"]) == (422, "sequences-apart")
        unknown = str(uuid7())
        refused = await client.post(f"{SEQUENCES}merge/", json={"sequence_ids": [first, unknown]})
        assert (refused.status_code, refused.json()["sequence_ids"]) == (422, [unknown])
        twice = await client.post(f"{SEQUENCES}merge/", json={"sequence_ids": [first, first]})
        assert twice.status_code == 422
    async with project.as_("viewer") as client:
        answer = await client.post(f"{SEQUENCES}{own}/split/", json={"resource_id": str(a)})
        assert answer.status_code == 403
    assert await project.sql("select count(*) from sequence_markers") == [(0,)]


async def test_rebuild_on_demand_takes_another_interval_once_per_key(project: Scene) -> None:
    a, b = await put(project, 0, 8)
    await extended(project)
    assert len(await listed(project)) == 2
    body = {"linked_collection_id": str(project.linked_collection_id), "sequence_interval_seconds": 600}
    async with project.as_("owner") as client:
        answers = [
            await client.post(f"{SEQUENCES}rebuild/", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
        ]
        other = await client.post(
            f"{SEQUENCES}rebuild/", json={**body, "sequence_interval_seconds": 1}, headers={"Idempotency-Key": "k"}
        )
    assert [answer.status_code for answer in answers] == [202, 202]
    operation_id = answers[0].json()["operation_id"]
    assert answers[0].headers["Location"] == f"/api/operations/{operation_id}/"
    assert answers[1].json()["operation_id"] == operation_id
    assert other.json()["type"] == "idempotency-key-reused"
    await run_operation(project.work, UUID(operation_id))
    assert await groups(project) == [[a, b]]
    ((counters,),) = await project.sql("select counters from operations")
    assert counters == {"resources": 2}


async def test_resources_classifications_and_observations_are_filtered_by_sequence(project: Scene) -> None:
    a, b, _ = await put(project, 0, 1, 60)
    await extended(project)
    pair, _ = await listed(project)
    async with project.as_("owner") as client:
        for resource_id in project.resource_ids:
            body = {
                "classification_project_id": str(project.project_id),
                "resource_id": str(resource_id),
                "dynamic_attrs": [{"observation_type": "blank"}],
            }
            made = await client.post(CLASSIFICATIONS, json=body, headers={"Idempotency-Key": str(uuid7())})
            assert made.status_code == 201, made.text
        for path, name, filters in (
            ("/api/resources/", "id", {}),
            (CLASSIFICATIONS, "resource_id", {"type": "user"}),
            ("/api/observations/", "resource_id", {"type": "user"}),
        ):
            answer = await client.get(path, params={"sequence_id": pair["id"], **filters})
            assert {row[name] for row in answer.json()["items"]} == {str(a), str(b)}, path


async def test_statements_about_a_sequence_follow_its_resources(project: Scene) -> None:
    _, b, c = await put(project, 0, 30, 60)
    await extended(project)
    first, second, last = [row["id"] for row in await listed(project)]
    owner = {"project_id": project.project_id, "owner_id": project.user_ids["owner"]}
    for sequence_id in (second, last):
        await project.sql(
            "insert into sequence_observations (id, classification_project_id, sequence_id, observation_type, owner_id,"
            " created_at) values (gen_random_uuid(), :project_id, :sequence_id, 'animal', :owner_id, now())",
            sequence_id=UUID(sequence_id),
            **owner,
        )
    async with project.as_("owner") as client:
        merged = await client.post(f"{SEQUENCES}merge/", json={"sequence_ids": [first, second]})
        assert merged.status_code == 200, merged.text
    statements = "select sequence_id from sequence_observations order by id"
    at = {str(row[0]) for row in await project.sql(statements)}
    assert at == {first, last}
    assert b != c
    await project.sql("update resources set is_active = false where id = :id", id=c)
    await extended(project)
    assert {row[0] and str(row[0]) for row in await project.sql(statements)} == {first, None}
