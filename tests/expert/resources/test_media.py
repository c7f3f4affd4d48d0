"""Media are served as what decoding found, and never as something that a browser would run."""

from hashlib import sha256

from sqlalchemy import update

from expert.access.queries import set_research_role
from expert.access.state import ResearchRole
from expert.resources.models import Resource
from expert.resources.state import PrivacyState
from expert.resources.tasks import describe_all
from tests.support.make import bad_pictures as make
from tests.support.make.expert import Backend


async def test_an_original_is_served_byte_for_byte_as_its_type(backend: Backend):
    project = await backend.project(await backend.person())
    data = make.encoded(kind="WEBP")
    resource_id = await project.upload(data, "photo.jpg")
    await describe_all(backend.work)
    answer = await project.owner.client.get(f"/api/media/{resource_id}/original")
    assert answer.content == data
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''photo.jpg"
    assert answer.headers["etag"] == f'"{sha256(data).hexdigest()}"'


async def test_what_is_no_picture_is_a_download_of_unknown_type(backend: Backend):
    project = await backend.project(await backend.person())
    page = b"<html><script>alert(1)</script>"
    resource_id = await project.upload(page, 'x".html\r\nSet-Cookie: a=b')
    await describe_all(backend.work)
    answer = await project.owner.client.get(f"/api/media/{resource_id}/original")
    assert (answer.status_code, answer.content) == (200, page)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''x%22.html%0D%0A")
    assert "set-cookie" not in answer.headers


async def test_media_of_others_do_not_exist(backend: Backend):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.encoded())
    stranger = await backend.person("stranger")
    for path in ("original", "thumbnail"):
        assert (await stranger.client.get(f"/api/media/{resource_id}/{path}")).status_code == 404


async def test_a_held_picture_stays_behind_the_gate(backend: Backend):
    project = await backend.project(await backend.person())
    resource_id = await project.upload(make.encoded())
    async with backend.work.db() as db:
        await db.execute(update(Resource).values(privacy_state=PrivacyState.HELD))
    member = await backend.person("member")
    async with backend.work.db() as db:
        await set_research_role(db, project.id, member.id, ResearchRole.MEMBER)
    for kind in ("original", "thumbnail"):
        answer = await member.client.get(f"/api/media/{resource_id}/{kind}")
        assert (answer.status_code, answer.json()["type"]) == (403, "media-gated")


async def test_resources_are_listed_by_collection_deployment_and_state_page_by_page(backend: Backend):
    project = await backend.project(await backend.person())
    deployment = await project.deployment()
    ids = [await project.upload(make.encoded(quality=50 + number), f"{number}.jpg") for number in range(3)]
    placed = await project.upload(make.encoded(quality=90), "placed.jpg", deployment_id=deployment["id"])
    client = project.owner.client
    first = (await client.get("/api/resources/", params={"limit": 3})).json()
    rest = (await client.get("/api/resources/", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [str(one) for one in [*ids, placed]]
    assert rest["next_cursor"] is None
    wrong = await client.get("/api/resources/", params={"state": "stored", "cursor": first["next_cursor"]})
    assert (wrong.status_code, wrong.json()["type"]) == (400, "malformed")
    of_deployment = (await client.get("/api/resources/", params={"deployment_id": deployment["id"]})).json()
    assert [one["id"] for one in of_deployment["items"]] == [str(placed)]
    of_collection = (await client.get("/api/resources/", params={"collection_id": str(project.collection_id)})).json()
    assert len(of_collection["items"]) == 4
    assert (await client.get("/api/resources/", params={"state": "described"})).json()["items"] == []
