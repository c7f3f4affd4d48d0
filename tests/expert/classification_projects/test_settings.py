"""A project chooses models that fit, links collections, and says plainly what does not fit."""

from typing import Any
from uuid import UUID

import pytest

from expert.providers.models import AiProvider, AiProviderConnection
from tests.support.make.expert import Backend, changed, made
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import ModelKind


async def provider(backend: Backend, kind: ModelKind, **changes: Any) -> str:
    connection = AiProviderConnection(id=uuid7(), name=uuid7().hex, url="http://x", encrypted_credential="x")
    row = AiProvider(
        id=uuid7(),
        provider_type=kind,
        connection_id=connection.id,
        name=kind.value,
        version="1",
        availability="ready",
        licence="MIT",
        **changes,
    )
    async with backend.work.db() as db:
        db.add(connection)
        await db.flush()
        db.add(row)
    return str(row.id)


async def test_a_project_has_the_documented_defaults_and_the_predefined_attributes(backend: Backend):
    project = await backend.project(await backend.person())
    looking = await project.classification_project(name="Łąka 2024!")
    assert looking["slug"].startswith("aka-2024-")
    assert {name: looking[name] for name in ("nms_iou", "match_iou", "sequence_interval_seconds", "status")} == {
        "nms_iou": 0.45,
        "match_iou": 0.5,
        "sequence_interval_seconds": 300,
        "status": "ongoing",
    }
    assert looking["detection_threshold"] is None
    other = await project.classification_project()
    assert other["classificator_id"] == looking["classificator_id"]


async def test_a_provider_of_the_right_type_is_chosen_and_changed(backend: Backend):
    project = await backend.project(await backend.person())
    detector = await provider(backend, ModelKind.DETECTION)
    species = await provider(backend, ModelKind.CLASSIFICATION, embedding_dimension=64)
    looking = await project.classification_project(
        object_detection_ai_model=detector, species_ai_model=species, embedding_ai_model=species
    )
    assert looking["species_ai_model"] == species
    path = f"/api/classification-projects/{looking['id']}/"
    answer = await changed(project.owner.client, path, {"species_ai_model": None, "detection_threshold": 0.4})
    assert (answer.json()["species_ai_model"], answer.json()["detection_threshold"]) == (None, 0.4)
    assert answer.json()["object_detection_ai_model"] == detector
    assert backend.messages.of("jobs.cover")


@pytest.mark.parametrize(
    ("field", "kind", "changes", "sentence"),
    [
        ("object_detection_ai_model", ModelKind.CLASSIFICATION, {}, "is a classification model"),
        ("species_ai_model", ModelKind.DETECTION, {}, "is a detection model"),
        ("embedding_ai_model", ModelKind.CLASSIFICATION, {}, "gives no features"),
        ("species_ai_model", ModelKind.CLASSIFICATION, {"is_active": False}, "is not active"),
    ],
)
async def test_a_provider_that_does_not_fit_is_refused_by_field(
    backend: Backend, field: str, kind: ModelKind, changes: dict[str, Any], sentence: str
):
    project = await backend.project(await backend.person())
    unfit = await provider(backend, kind, **changes)
    body = {"research_project_id": str(project.id), "name": "x", field: unfit}
    answer = await project.owner.client.post(
        "/api/classification-projects/", json=body, headers={"Idempotency-Key": "1"}
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "provider-unfit")
    assert answer.json()["errors"][0]["loc"] == ["body", field]
    assert sentence in answer.json()["detail"]


async def test_a_provider_that_nobody_knows_is_refused(backend: Backend):
    project = await backend.project(await backend.person())
    looking = await project.classification_project()
    answer = await changed(
        project.owner.client, f"/api/classification-projects/{looking['id']}/", {"species_ai_model": str(uuid7())}
    )
    assert answer.json()["detail"] == "there is no such provider"


async def test_linking_a_collection_takes_in_what_is_there_and_twice_is_once(backend: Backend):
    project = await backend.project(await backend.person())
    for number in range(3):
        await project.upload(f"{number}".encode(), f"{number}.jpg")
    await project.upload(b"0", "same bytes again.jpg")
    looking = await project.classification_project()
    link = await project.link(looking["id"])
    assert (await project.link(looking["id"]))["id"] == link["id"]
    path = f"/api/classification-projects/{looking['id']}/collections/"
    assert [one["id"] for one in (await project.owner.client.get(path)).json()["items"]] == [link["id"]]
    counts = (await project.owner.client.get(f"{path}{link['id']}/counts/")).json()
    assert counts == {"resources": 3, "taken": 0, "ai_ended": 0, "unreadable": 0}
    paused = await changed(project.owner.client, f"{path}{link['id']}/", {"is_active": False})
    assert paused.json()["is_active"] is False


async def test_a_collection_that_one_may_not_read_cannot_be_linked(backend: Backend):
    project = await backend.project(await backend.person())
    other = await backend.project(await backend.person("other"))
    looking = await project.classification_project()
    path = f"/api/classification-projects/{looking['id']}/collections/"
    answer = await project.owner.client.post(path, json={"collection_id": str(other.collection_id)})
    assert answer.status_code == 404


async def test_a_public_collection_of_another_project_may_be_linked_and_its_rows_stay_there(backend: Backend):
    project = await backend.project(await backend.person())
    other = await backend.project(await backend.person("other"))
    resource_id = await other.upload(b"lent")
    shared = await changed(other.owner.client, f"/api/collections/{other.collection_id}/", {"visibility": "public"})
    assert shared.status_code == 200
    looking = await project.classification_project()
    path = f"/api/classification-projects/{looking['id']}/collections/"
    answer = await project.owner.client.post(path, json={"collection_id": str(other.collection_id)})
    assert answer.status_code == 201
    told = (await project.owner.client.get(f"/api/resources/{resource_id}/")).json()
    assert told["research_project_id"] == str(other.id)


async def test_a_name_is_taken_in_its_research_project_only(backend: Backend):
    ann = await backend.person()
    one, two = await backend.project(ann), await backend.project(ann)
    await one.classification_project(name="same")
    await two.classification_project(name="same")
    body = {"research_project_id": str(one.id), "name": "same"}
    answer = await ann.client.post("/api/classification-projects/", json=body, headers={"Idempotency-Key": "1"})
    assert (answer.status_code, answer.json()["type"]) == (409, "classification-project-name-taken")


async def test_the_same_request_twice_makes_one_project_and_another_body_is_refused(backend: Backend):
    ann = await backend.person()
    project = await backend.project(ann)
    body = {"research_project_id": str(project.id), "name": "once"}
    path, headers = "/api/classification-projects/", {"Idempotency-Key": "key"}
    first = await ann.client.post(path, json=body, headers=headers)
    second = await ann.client.post(path, json=body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    other = await ann.client.post(path, json={**body, "name": "other"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "idempotency-key-reused")
    without = await ann.client.post(path, json=body)
    assert without.status_code == 422


async def test_a_threshold_outside_of_its_range_and_an_unknown_field_are_refused(backend: Backend):
    project = await backend.project(await backend.person())
    looking = await project.classification_project()
    path = f"/api/classification-projects/{looking['id']}/"
    for body in ({"detection_threshold": 1.1}, {"nms_iou": -0.1}, {"sequence_interval_seconds": 0}, {"colour": 1}):
        answer = await changed(project.owner.client, path, body)
        assert answer.status_code == 422, body
    assert (await project.owner.client.get(path)).json() == looking


async def test_projects_are_listed_by_name_and_research_project(backend: Backend):
    ann = await backend.person()
    one, two = await backend.project(ann), await backend.project(ann)
    first = await one.classification_project(name="a")
    await two.classification_project(name="b")
    listed = await ann.client.get("/api/classification-projects/", params={"research_project_id": str(one.id)})
    assert [row["id"] for row in listed.json()["items"]] == [first["id"]]
    named = await ann.client.get("/api/classification-projects/", params={"name": "B"})
    assert len(named.json()["items"]) == 1
    collections = await ann.client.get("/api/collections/", params={"name": "FIRST"})
    assert {row["id"] for row in collections.json()["items"]} == {str(one.collection_id), str(two.collection_id)}
    by_id = await ann.client.get("/api/classification-projects/", params={"id": first["id"]})
    assert [row["id"] for row in by_id.json()["items"]] == [first["id"]]
    unknown = await ann.client.get(f"/api/classification-projects/{uuid7()}/")
    assert unknown.status_code == 404
    assert UUID(first["classificator_id"])
    assert await made(ann.client, "/api/collections/", {"research_project_id": str(one.id), "name": "more"})


async def test_a_change_of_settings_names_the_version_that_was_read(backend: Backend):
    project = await backend.project(await backend.person())
    before = await project.classification_project()
    client, path = project.owner.client, f"/api/classification-projects/{before['id']}/"
    without = await client.patch(path, json={"nms_iou": 0.3})
    assert (without.status_code, without.json()["type"]) == (428, "if-match-required")
    assert (await client.patch(path, json={"nms_iou": 0.3}, headers={"If-Match": "today"})).status_code == 422
    first = await client.patch(path, json={"nms_iou": 0.3}, headers={"If-Match": '"1"'})
    assert (first.status_code, first.headers["ETag"], first.json()["version"]) == (200, '"2"', 2)
    stale = await client.patch(path, json={"nms_iou": 0.9}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"], stale.json()["version"]) == (412, "version-changed", 2)
    current = (await client.get(path)).json()
    assert stale.json()["current"] == current
    assert first.json() == {**current, "rerun_resources": 0}


async def test_a_change_of_a_link_names_the_version_that_was_read(backend: Backend):
    project = await backend.project(await backend.person())
    looking = await project.classification_project()
    link = await project.link(looking["id"])
    client = project.owner.client
    path = f"/api/classification-projects/{looking['id']}/collections/{link['id']}/"
    assert (await client.patch(path, json={"is_active": False})).status_code == 428
    first = await client.patch(path, json={"is_active": False}, headers={"If-Match": f'"{link["version"]}"'})
    assert (first.status_code, first.headers["ETag"]) == (200, f'"{link["version"] + 1}"')
    stale = await client.patch(path, json={"is_active": True}, headers={"If-Match": f'"{link["version"]}"'})
    assert (stale.status_code, stale.json()["current"]) == (412, first.json())


async def test_unknown_and_repeated_query_parameters_are_refused_by_name(backend: Backend):
    client = (await backend.person()).client
    answer = await client.get("/api/classification-projects/?project=x&approved=true&limit=1&limit=2")
    assert answer.status_code == 422
    assert [(one["loc"], one["code"]) for one in answer.json()["errors"]] == [
        (["query", "project"], "unknown"),
        (["query", "approved"], "unknown"),
        (["query", "limit"], "repeated"),
    ]
    assert (await client.get("/api/ai-providers/?colour=red")).status_code == 422
