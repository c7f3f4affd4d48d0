"""Attacks on collections through links: nobody lets others see photos without the consent of the photos' owners."""

import struct
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from expert.jobs.issue_grant import Grant, issue_grant
from tests.support.make.expert import Backend, Person, Project, joined, made
from tests.support.make.expert_ai import expert, scene, submitted

BYTES = b"not a picture, but bytes \xff\xfe\xfd"


async def shared(backend: Backend) -> tuple[Project, Person, dict[str, Any], Person, Project]:
    """A collection, a viewer of it, the viewer's own project, and a third person in that one."""
    owner, viewer, third = [await backend.person(name) for name in ("owner", "viewer", "third")]
    project = await backend.project(owner)
    looking = await project.classification_project()
    await project.link(looking["id"])
    await joined(owner, viewer, f"classification-projects/{looking['id']}", "viewer")
    theirs = await backend.project(viewer)
    copy = await theirs.classification_project()
    await joined(viewer, third, f"classification-projects/{copy['id']}", "viewer")
    return project, viewer, copy, third, theirs


async def links_of(project: Project) -> list[dict[str, Any]]:
    reply = await project.owner.client.get(f"/api/collections/{project.collection_id}/links/")
    assert reply.status_code == 200, reply.text
    return reply.json()["items"]


async def test_viewer_cannot_open_a_collection_to_a_project_of_their_own(backend: Backend) -> None:
    project, viewer, copy, third, _ = await shared(backend)
    before = await project.upload(BYTES)
    path = f"/api/classification-projects/{copy['id']}/collections/"
    link = await made(viewer.client, path, {"collection_id": str(project.collection_id)})
    after = await project.upload(BYTES + b"later")
    assert link["state"] == "requested"
    for resource_id in (before, after):
        assert (await third.client.get(f"/api/resources/{resource_id}/")).status_code == 404
        assert (await third.client.get(f"/api/media/{resource_id}/original")).status_code == 404
    assert (await third.client.get("/api/collections/")).json()["items"] == []


async def test_owner_lists_consents_to_and_ends_foreign_links(backend: Backend) -> None:
    project, viewer, copy, third, _ = await shared(backend)
    resource_id = await project.upload(BYTES)
    path = f"/api/classification-projects/{copy['id']}/collections/"
    body = {"collection_id": str(project.collection_id)}
    link = await made(viewer.client, path, body)
    listed = {item["classification_project_id"]: item for item in await links_of(project)}
    assert listed[copy["id"]]["classification_project_name"] == copy["name"]
    address = f"/api/collections/{project.collection_id}/links/{link['id']}"
    for stranger in (viewer, third):
        assert (await stranger.client.get(f"/api/collections/{project.collection_id}/links/")).status_code == 404
        assert (await stranger.client.post(f"{address}/consent/")).status_code == 404
    assert (await project.owner.client.post(f"{address}/consent/")).json()["state"] == "open"
    assert (await third.client.get(f"/api/resources/{resource_id}/")).status_code == 200
    assert (await project.owner.client.post(f"{address}/revoke/")).json()["state"] == "revoked"
    assert (await third.client.get(f"/api/resources/{resource_id}/")).status_code == 404
    assert (await third.client.get(f"/api/media/{resource_id}/original")).status_code == 404
    assert (await made(viewer.client, path, body))["state"] == "revoked"  # asking again opens nothing


async def test_public_collection_made_private_again_closes(backend: Backend) -> None:
    project, viewer, copy, third, _ = await shared(backend)
    resource_id = await project.upload(BYTES)
    address = f"/api/collections/{project.collection_id}/"

    async def publish(visibility: str) -> None:
        version = (await project.owner.client.get(address)).headers.get("ETag", '"1"')
        reply = await project.owner.client.patch(
            address, json={"visibility": visibility}, headers={"If-Match": version}
        )
        assert reply.status_code == 200, reply.text

    await publish("public")
    link = f"/api/classification-projects/{copy['id']}/collections/"
    await made(viewer.client, link, {"collection_id": str(project.collection_id)})
    assert (await third.client.get(f"/api/resources/{resource_id}/")).status_code == 200
    await publish("private")
    assert (await third.client.get(f"/api/resources/{resource_id}/")).status_code == 404


async def test_removed_member_cannot_send_what_they_announced(backend: Backend) -> None:
    owner, member = await backend.person("owner"), await backend.person("member")
    project = await backend.project(owner)
    await joined(owner, member, f"research-projects/{project.id}", "member")
    begun = await member.client.post("/api/uploads/", json=project.announced(BYTES))
    upload_id = begun.json()["items"][0]["upload_id"]
    removed = await owner.client.delete(f"/api/research-projects/{project.id}/members/{member.id}/")
    assert removed.status_code == 204
    reply = await member.client.put(f"/api/uploads/{upload_id}/content", content=BYTES)
    assert (reply.status_code, reply.json()["type"]) == (404, "upload-unknown")
    pack = struct.pack(">I16sQ", 1, UUID(upload_id).bytes, len(BYTES)) + BYTES
    (item,) = (await member.client.post("/api/uploads/pack/", content=pack)).json()["items"]
    assert (item["resource_id"], item["problem"]["type"]) == (None, "upload-unknown")
    assert (await owner.client.get("/api/resources/")).json()["items"] == []


async def test_media_grant_ends_with_the_link(expert_database_url: str, tmp_path: Path) -> None:
    """A worker with the grant of an open job reads nothing once the owners ended the link."""
    async with expert(expert_database_url, tmp_path) as work:
        made = await scene(work)
        grant = Grant(await submitted(made), made.connection_id)
        headers = {"Trapper-Media-Grant": issue_grant(work.settings.secret_key.get_secret_value(), grant)}
        path = f"/api/media/{made.resource_ids[0]}/inference"
        async with made.as_("owner") as owner:
            worker = httpx.AsyncClient(transport=owner._transport, base_url="http://expert")
            assert (await worker.get(path, headers=headers)).status_code == 200
            link = f"/api/collections/{made.collection_id}/links/{made.linked_collection_id}"
            assert (await owner.post(f"{link}/revoke/")).status_code == 200
            reply = await worker.get(path, headers=headers)
            assert (reply.status_code, reply.json()["type"]) == (403, "media-grant-refused"), reply.text
            assert (await owner.post(f"{link}/consent/")).status_code == 200
            assert (await worker.get(path, headers=headers)).status_code == 200


async def test_link_that_is_not_open_makes_no_jobs(backend: Backend) -> None:
    project, viewer, copy, _, _ = await shared(backend)
    resource_id = await project.upload(BYTES)
    path = f"/api/classification-projects/{copy['id']}/collections/"
    link = await made(viewer.client, path, {"collection_id": str(project.collection_id)})
    for scope in ({"linked_collection_id": link["id"]}, {"resource_ids": [str(resource_id)]}):
        reply = await viewer.client.post(
            "/api/ai-classification-jobs/",
            json={"classification_project_id": copy["id"], **scope},
            headers={"Idempotency-Key": str(scope)},
        )
        assert (reply.status_code, reply.json()["type"]) == (422, "invalid"), reply.text
