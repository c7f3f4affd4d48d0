"""A research project is asked for, activated by a site admin, and holds places, camera visits and collections."""

import asyncio

import pytest

from tests.support.make.expert import Backend, changed, made
from trapper_schemas.ids import uuid7


async def test_a_requested_project_becomes_active_when_a_site_admin_says_so(backend: Backend):
    ann, admin = await backend.person(), await backend.person("root", site_admin=True)
    asked = await made(ann.client, "/api/research-projects/", {"name": "Wolves", "acronym": "WLV"})
    path = f"/api/research-projects/{asked['id']}/"
    assert (await ann.client.post(f"{path}activate/")).status_code == 403
    waiting = (await admin.client.get("/api/research-projects/", params={"status": "requested"})).json()["items"]
    assert [one["id"] for one in waiting] == [asked["id"]]
    for _ in range(2):
        assert (await admin.client.post(f"{path}activate/")).json()["status"] == "active"
    assert (await ann.client.get(path)).json()["activated_at"] is not None
    assert (await admin.client.post(f"{path}reject/")).json()["status"] == "rejected"
    assert (await admin.client.post(f"/api/research-projects/{uuid7()}/activate/")).status_code == 404


async def test_names_and_acronyms_are_unique_whatever_their_case(backend: Backend):
    ann = await backend.person()
    await made(ann.client, "/api/research-projects/", {"name": "Wolves", "acronym": "WLV"})
    for body in ({"name": "wolves", "acronym": "X"}, {"name": "Other", "acronym": "wlv"}):
        answer = await ann.client.post("/api/research-projects/", json=body, headers={"Idempotency-Key": uuid7().hex})
        assert (answer.status_code, answer.json()["type"]) == (409, "project-name-taken")


async def test_two_at_once_under_one_key_make_one_project(backend: Backend):
    ann = await backend.person()
    body = {"name": "Twins", "acronym": "TW"}
    answers = await asyncio.gather(
        *(ann.client.post("/api/research-projects/", json=body, headers={"Idempotency-Key": "k"}) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_what_is_given_changes_and_the_rest_stays(backend: Backend):
    project = await backend.project(await backend.person(), abstract="long", keywords=["wolf"])
    path = f"/api/research-projects/{project.id}/"
    answer = await changed(project.owner.client, path, {"sampling_design": "targeted"})
    assert (answer.json()["sampling_design"], answer.json()["keywords"]) == ("targeted", ["wolf"])
    refused = await changed(project.owner.client, path, {"sampling_design": "guessing"})
    assert refused.status_code == 422


async def test_a_location_needs_both_coordinates_a_known_zone_and_an_id_of_its_own(backend: Backend):
    project = await backend.project(await backend.person())
    base = {"research_project_id": str(project.id), "location_id": "L1"}
    client = project.owner.client
    place = await made(client, "/api/locations/", {**base, "longitude": 21.0, "latitude": 52.2, "name": " a b "})
    assert place["name"] == "a b"
    for bad in ({"longitude": 1.0}, {"longitude": 181, "latitude": 0}, {"time_zone": "Mars/Olympus"}):
        answer = await client.post(
            "/api/locations/", json={**base, "location_id": "L2", **bad}, headers={"Idempotency-Key": uuid7().hex}
        )
        assert answer.status_code == 422, bad
    twin = await client.post("/api/locations/", json=base, headers={"Idempotency-Key": uuid7().hex})
    assert (twin.status_code, twin.json()["type"]) == (409, "location-id-taken")
    path = f"/api/locations/{place['id']}/"
    assert (await changed(client, path, {"habitat": "forest"})).json()["habitat"] == "forest"
    listed = (await client.get("/api/locations/", params={"location_id": "L1"})).json()["items"]
    assert [one["id"] for one in listed] == [place["id"]]
    stranger = await backend.person("stranger")
    assert (await stranger.client.get(path)).status_code == 404
    assert (await stranger.client.patch(path, json={"habitat": "sea"}, headers={"If-Match": '"1"'})).status_code == 404


async def test_a_deployment_may_lack_place_and_times_but_not_lie_about_them(backend: Backend):
    ann = await backend.person()
    project, other = await backend.project(ann), await backend.project(ann)
    bare = await project.deployment(deployment_id="D1")
    assert (bare["location_id"], bare["start_at"]) == (None, None)
    path = f"/api/deployments/{bare['id']}/"
    backwards = {"start_at": "2024-05-02T00:00:00+02:00", "end_at": "2024-05-01T00:00:00+02:00"}
    assert (await changed(ann.client, path, backwards)).status_code == 422
    assert (await changed(ann.client, path, {"start_at": "2024-05-02T00:00:00"})).status_code == 422
    assert (await changed(ann.client, path, {"start_at": backwards["start_at"]})).status_code == 200
    late = await changed(ann.client, path, {"end_at": backwards["end_at"]})
    assert (late.status_code, late.json()["errors"][0]["loc"]) == (422, ["body", "end_at"])
    elsewhere = await made(ann.client, "/api/locations/", {"research_project_id": str(other.id), "location_id": "L"})
    answer = await changed(ann.client, path, {"location_id": elsewhere["id"]})
    assert (answer.status_code, answer.json()["type"]) == (422, "location-elsewhere")
    twin = {"research_project_id": str(project.id), "deployment_id": "D1"}
    answer = await ann.client.post("/api/deployments/", json=twin, headers={"Idempotency-Key": "1"})
    assert (answer.status_code, answer.json()["type"]) == (409, "deployment-id-taken")
    await other.deployment(deployment_id="D1")
    listed = (await ann.client.get("/api/deployments/", params={"deployment_id": "D1"})).json()["items"]
    assert len(listed) == 2


async def test_a_collection_is_named_once_in_its_project(backend: Backend):
    project = await backend.project(await backend.person())
    client = project.owner.client
    body = {"research_project_id": str(project.id), "name": "first"}
    answer = await client.post("/api/collections/", json=body, headers={"Idempotency-Key": "1"})
    assert (answer.status_code, answer.json()["type"]) == (409, "collection-name-taken")
    path = f"/api/collections/{project.collection_id}/"
    assert (await changed(client, path, {"description": "SD card 7"})).json()["description"] == "SD card 7"
    assert (await client.get("/api/collections/", params={"name": "first"})).json()["items"][0]["name"] == "first"


@pytest.mark.parametrize("path", ["/api/locations/", "/api/deployments/", "/api/collections/"])
async def test_nothing_is_put_into_a_project_of_somebody_else(backend: Backend, path: str):
    project = await backend.project(await backend.person())
    stranger = await backend.person("stranger")
    body = {"research_project_id": str(project.id), "location_id": "x", "deployment_id": "x", "name": "x"}
    allowed = {"/api/locations/": "location_id", "/api/deployments/": "deployment_id", "/api/collections/": "name"}
    body = {name: body[name] for name in ("research_project_id", allowed[path])}
    answer = await stranger.client.post(path, json=body, headers={"Idempotency-Key": "1"})
    assert answer.status_code == 404
