"""What was uploaded wrongly is put right, with all that follows, and the same bytes at two places are one resource."""

from typing import Any

from expert.access.queries import set_research_role
from expert.access.state import ResearchRole
from expert.commands import examine
from expert.resources.tasks import describe_all
from tests.support.make import bad_pictures as make
from tests.support.make.expert import Backend, Project, changed
from trapper_schemas.ids import uuid7


async def counts(project: Project) -> dict[str, int]:
    return (await project.owner.client.get(f"/api/collections/{project.collection_id}/counts/")).json()


async def names(project: Project, path: str, **filters: Any) -> list[str]:
    answer = await project.owner.client.get(path, params=filters)
    assert answer.status_code == 200, answer.text
    return [item["file_name"] for item in answer.json()["items"]]


async def test_ten_empty_files_in_three_cameras_are_thirty_failures_at_their_own_cameras(backend: Backend):
    project = await backend.project(await backend.person())
    cameras = [await project.deployment() for _ in range(3)]
    for camera in cameras:
        for number in range(10):
            name = f"{camera['deployment_id']}/IMG_{number}.JPG"
            await project.upload(b"", name, deployment_id=camera["id"])
    await describe_all(backend.work)
    found = await counts(project)
    assert (found["resources"], found["unreadable"], found["unreadable_paths"]) == (1, 1, 30)
    path = f"/api/collections/{project.collection_id}/paths/"
    for camera in cameras:
        own = await names(project, path, deployment_id=camera["id"], state="unreadable")
        assert own == [f"{camera['deployment_id']}/IMG_{number}.JPG" for number in range(10)]
    assert all(check["ok"] for check in await examine(backend.work))


async def test_the_same_bytes_at_two_cameras_are_reported_with_both_places_and_can_be_moved(backend: Backend):
    project = await backend.project(await backend.person())
    client = project.owner.client
    first, second = await project.deployment(), await project.deployment()
    data = make.encoded()
    resource_id = await project.upload(data, "cam1/a.jpg", deployment_id=first["id"])
    again = await client.post("/api/uploads/", json=project.announced(data, "cam2/b.jpg", deployment_id=second["id"]))
    item = again.json()["items"][0]
    assert (item["status"], item["resource_deployment_id"]) == ("exists", first["id"])
    assert item["resource_path"] == "cam1/a.jpg"
    places = (await client.get(f"/api/resources/{resource_id}/places/")).json()["items"]
    assert [(place["path"], place["deployment_id"]) for place in places] == [
        ("cam1/a.jpg", first["id"]),
        ("cam2/b.jpg", second["id"]),
    ]
    assert await names(project, "/api/resources/", elsewhere=True) == ["cam1/a.jpg"]
    assert (await counts(project))["elsewhere_paths"] == 1
    moved = await changed(client, f"/api/resources/{resource_id}/", {"deployment_id": second["id"]})
    assert moved.json()["deployment_id"] == second["id"]
    assert await names(project, "/api/resources/", deployment_id=second["id"]) == ["cam1/a.jpg"]
    assert await names(project, "/api/resources/", elsewhere=True) == ["cam1/a.jpg"]


async def test_a_resource_uploaded_for_the_wrong_camera_takes_its_path_along(backend: Backend):
    project = await backend.project(await backend.person())
    first, second = await project.deployment(), await project.deployment()
    resource_id = await project.upload(make.encoded(), "a.jpg", deployment_id=first["id"])
    path = f"/api/resources/{resource_id}/"
    await changed(project.owner.client, path, {"deployment_id": second["id"]})
    assert await names(project, "/api/resources/", elsewhere=True) == []
    other = await backend.project(project.owner)
    foreign = await other.deployment()
    refused = await changed(project.owner.client, path, {"deployment_id": foreign["id"]})
    assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, ["body", "deployment_id"])
    assert (await changed(project.owner.client, path, {"deployment_id": None})).json()["deployment_id"] is None


async def test_a_collection_shows_the_name_under_which_it_has_the_resource(backend: Backend):
    project = await backend.project(await backend.person())
    client = project.owner.client
    data = make.encoded()
    resource_id = await project.upload(data, "IMG_1.JPG")
    body = {"research_project_id": str(project.id), "name": "second"}
    second = (await client.post("/api/collections/", json=body, headers={"Idempotency-Key": "2"})).json()["id"]
    again = {**project.announced(data, "backup/IMG_7.JPG"), "collection_id": second}
    assert (await client.post("/api/uploads/", json=again)).status_code == 200
    assert await names(project, "/api/resources/", collection_id=str(project.collection_id)) == ["IMG_1.JPG"]
    assert await names(project, "/api/resources/", collection_id=second) == ["backup/IMG_7.JPG"]
    assert (await client.get(f"/api/resources/{resource_id}/")).json()["file_name"] == "IMG_1.JPG"


async def test_archived_things_hide_take_nothing_new_and_come_back(backend: Backend):
    project = await backend.project(await backend.person())
    client = project.owner.client
    camera = await project.deployment()
    await project.upload(make.encoded(), "a.jpg", deployment_id=camera["id"])
    gone = await project.upload(make.encoded(make.scene(320, 240)), "b.jpg", deployment_id=camera["id"])
    assert (await changed(client, f"/api/resources/{gone}/", {"is_active": False})).json()["is_active"] is False
    assert await names(project, "/api/resources/") == ["a.jpg"]
    assert await names(project, "/api/resources/", is_active=False) == ["b.jpg"]
    path = f"/api/deployments/{camera['id']}/"
    assert (await changed(client, path, {"is_active": False})).json()["resources_changed"] == 1
    assert await names(project, "/api/resources/") == []
    assert (await client.get("/api/deployments/")).json()["items"] == []
    announced = project.announced(b"x", "c.jpg", deployment_id=camera["id"])
    refused = await client.post("/api/uploads/", json=announced)
    assert (refused.status_code, "archived" in refused.text) == (422, True)
    assert (await changed(client, path, {"is_active": True})).json()["resources_changed"] == 1
    assert await names(project, "/api/resources/") == ["a.jpg"]  # b.jpg was archived by itself
    collection = f"/api/collections/{project.collection_id}/"
    assert (await changed(client, collection, {"is_active": False})).status_code == 200
    assert (await client.post("/api/uploads/", json=project.announced(b"x", "c.jpg"))).status_code == 409
    assert (await client.get("/api/collections/")).json()["items"] == []
    assert (await changed(client, collection, {"is_active": True})).status_code == 200
    assert (await counts(project))["archived"] == 1


async def test_rows_are_changed_at_the_version_that_was_read(backend: Backend):
    project = await backend.project(await backend.person())
    client = project.owner.client
    camera = await project.deployment()
    resource_id = await project.upload(b"x", "a.jpg")
    paths = [
        f"/api/deployments/{camera['id']}/",
        f"/api/collections/{project.collection_id}/",
        f"/api/research-projects/{project.id}/",
        f"/api/resources/{resource_id}/",
    ]
    for path in paths:
        assert (await client.patch(path, json={})).status_code == 428, path
        stale = await client.patch(path, json={}, headers={"If-Match": '"999"'})
        assert (stale.status_code, stale.json()["type"]) == (412, "version-changed"), path
        assert "current" in stale.json()


async def test_who_may_read_but_not_change_is_told_so(backend: Backend):
    project = await backend.project(await backend.person())
    public = f"/api/collections/{project.collection_id}/"
    await changed(project.owner.client, public, {"visibility": "public"})
    resource_id = await project.upload(b"x", "a.jpg")
    stranger = await backend.person("stranger")
    for path in (public, f"/api/resources/{resource_id}/"):
        refused = await changed(stranger.client, path, {"visibility": "private"})
        assert refused.status_code == 403, path
        assert "you may read this" in refused.json()["detail"]
    member = await backend.person("member")
    async with backend.work.db() as db:
        await set_research_role(db, project.id, member.id, ResearchRole.MEMBER)
    assert (await changed(member.client, f"/api/research-projects/{project.id}/", {"name": "x"})).status_code == 403


async def test_blank_names_and_characters_that_are_none_are_refused_everywhere(backend: Backend):
    project = await backend.project(await backend.person())
    client = project.owner.client
    for bad in ("", "   ", "\u200b", "a\x00b", "a\ufffdb", "two\nlines", "\u00a0"):
        for path, field in (
            ("/api/locations/", "location_id"),
            ("/api/deployments/", "deployment_id"),
            ("/api/collections/", "name"),
            ("/api/classification-projects/", "name"),
        ):
            body = {"research_project_id": str(project.id), field: bad}
            answer = await client.post(path, json=body, headers={"Idempotency-Key": uuid7().hex})
            assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", field]), (path, bad)
        body = {"name": bad, "acronym": "A"}
        answer = await client.post("/api/research-projects/", json=body, headers={"Idempotency-Key": uuid7().hex})
        assert answer.status_code == 422, bad
    row = await project.deployment(deployment_id="  D 1 ")
    assert row["deployment_id"] == "D 1"


async def test_a_latitude_that_is_null_or_alone_is_refused(backend: Backend):
    project = await backend.project(await backend.person())
    client = project.owner.client
    body = {"research_project_id": str(project.id), "location_id": "L", "longitude": 21.0, "latitude": 52.0}
    place = (await client.post("/api/locations/", json=body, headers={"Idempotency-Key": "1"})).json()
    path = f"/api/locations/{place['id']}/"
    for bad in ({"latitude": None}, {"latitude": 5.0}, {"longitude": 5.0, "latitude": None}):
        assert (await changed(client, path, bad)).status_code == 422, bad
    assert (await changed(client, path, {"longitude": None, "latitude": None})).json()["latitude"] is None
