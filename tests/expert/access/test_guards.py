"""No route is open by accident, and nobody gets further than their role and their token's scopes."""

import pytest

from expert.access.state import (
    IN_CLASSIFICATION_PROJECT,
    IN_RESEARCH_PROJECT,
    Capability,
    ClassificationRole,
    ResearchRole,
    may_in_classification_project,
    may_in_research_project,
)
from expert.app import create_app
from expert.web.routes import PAGES
from tests.support.make.expert import Backend, joined, made
from trapper_kit.web.guards import api_routes, unguarded_routes
from trapper_schemas.ids import uuid7


def test_every_route_is_guarded_or_says_that_it_is_public():
    app = create_app()
    assert unguarded_routes(app) == []
    assert len(list(api_routes(app.routes))) > 50


def test_only_signing_in_registering_health_the_reference_and_the_web_app_are_public():
    public = {route.path for route in api_routes(create_app().routes) if hasattr(route.endpoint, "__trapper_public__")}
    assert public - {"/api/media/{resource_id}/inference", *PAGES} == {
        "/assets/{name}",
        "/api/sessions/",
        "/api/sessions/by-link/",
        "/api/users/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/docs/start.js",
        "/docs/{name}",
    }


async def test_every_guarded_route_refuses_a_caller_without_a_credential(backend: Backend):
    stranger = backend.client()
    for route in api_routes(backend.app.routes):
        if hasattr(route.endpoint, "__trapper_public__"):
            continue
        path = route.path
        for name in route.param_convertors:
            path = path.replace(f"{{{name}}}", str(uuid7()))
        for method in route.methods or ():
            answer = await stranger.request(method, path, json={}, headers={"Idempotency-Key": "x"})
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("role", "capability", "may"),
    [
        (ResearchRole.MEMBER, Capability.UPLOAD, True),
        (ResearchRole.MEMBER, Capability.DESCRIBE, True),
        (ResearchRole.MEMBER, Capability.CREATE_PROJECTS, False),
        (ResearchRole.MANAGER, Capability.CREATE_PROJECTS, True),
        (ResearchRole.MEMBER, Capability.SEE_ORIGINALS, False),
        (ResearchRole.OWNER, Capability.SEE_ORIGINALS, True),
        (ResearchRole.OWNER, Capability.ADMINISTER_SITE, False),
        (None, Capability.READ, False),
    ],
)
def test_a_research_role_carries_what_the_table_says(role: ResearchRole | None, capability: Capability, may: bool):
    assert may_in_research_project(role, capability) is may


@pytest.mark.parametrize(
    ("role", "capability", "may"),
    [
        (ClassificationRole.VIEWER, Capability.READ, True),
        (ClassificationRole.VIEWER, Capability.GIVE_FEEDBACK, True),
        (ClassificationRole.VIEWER, Capability.ANNOTATE, False),
        (ClassificationRole.ANNOTATOR, Capability.ANNOTATE, True),
        (ClassificationRole.ANNOTATOR, Capability.APPROVE, False),
        (ClassificationRole.EXPERT, Capability.APPROVE, True),
        (ClassificationRole.EXPERT, Capability.RUN_AI, False),
        (ClassificationRole.ADMIN, Capability.RUN_AI, True),
        (ClassificationRole.ADMIN, Capability.UPLOAD, False),
    ],
)
def test_a_classification_role_carries_what_the_table_says(role: ClassificationRole, capability: Capability, may: bool):
    assert may_in_classification_project(role, None, capability) is may


def test_owners_and_managers_count_as_admins_of_the_projects_below():
    for role in (ResearchRole.OWNER, ResearchRole.MANAGER):
        assert may_in_classification_project(None, role, Capability.RUN_AI)
    assert not may_in_classification_project(None, ResearchRole.MEMBER, Capability.READ)
    assert may_in_classification_project(ClassificationRole.VIEWER, ResearchRole.MEMBER, Capability.READ)


def test_every_role_has_a_row_in_the_table():
    assert set(IN_RESEARCH_PROJECT) == set(ResearchRole)
    assert set(IN_CLASSIFICATION_PROJECT) == set(ClassificationRole)


async def test_what_one_may_not_see_does_not_exist(backend: Backend):
    owner, stranger = await backend.person("owner"), await backend.person("stranger")
    project = await backend.project(owner)
    looking = await project.classification_project()
    for path in (
        f"/api/research-projects/{project.id}/",
        f"/api/research-projects/{project.id}/members/",
        f"/api/collections/{project.collection_id}/",
        f"/api/collections/{project.collection_id}/counts/",
        f"/api/classification-projects/{looking['id']}/",
        f"/api/classification-projects/{looking['id']}/collections/",
    ):
        assert (await owner.client.get(path)).status_code == 200, path
        assert (await stranger.client.get(path)).status_code == 404, path
    for path in ("/api/research-projects/", "/api/collections/", "/api/classification-projects/"):
        assert (await stranger.client.get(path)).json() == {"items": [], "next_cursor": None}


async def test_a_site_admin_has_no_role_in_a_project(backend: Backend):
    project = await backend.project(await backend.person("owner"))
    admin = await backend.person("root", site_admin=True)
    assert (await admin.client.get(f"/api/research-projects/{project.id}/")).status_code == 404
    assert (await admin.client.get(f"/api/collections/{project.collection_id}/")).status_code == 404


async def test_a_member_may_upload_and_not_make_classification_projects(backend: Backend):
    owner, member = await backend.person("owner"), await backend.person("member")
    project = await backend.project(owner)
    await joined(owner, member, f"research-projects/{project.id}", "member")
    refused = await member.client.post(
        "/api/classification-projects/",
        json={"research_project_id": str(project.id), "name": "mine"},
        headers={"Idempotency-Key": "1"},
    )
    assert refused.status_code == 403
    allowed = await member.client.post("/api/uploads/", json=project.announced(b"x"))
    assert allowed.status_code == 200


async def test_a_role_in_a_classification_project_opens_its_collections_for_reading_only(backend: Backend):
    owner, viewer = await backend.person("owner"), await backend.person("viewer")
    project = await backend.project(owner)
    resource_id = await project.upload(b"not a picture, but bytes \xff\xfe\xfd")
    looking = await project.classification_project()
    await project.link(looking["id"])
    assert (await viewer.client.get(f"/api/resources/{resource_id}/")).status_code == 404
    await joined(owner, viewer, f"classification-projects/{looking['id']}", "viewer")
    assert (await viewer.client.get(f"/api/resources/{resource_id}/")).status_code == 200
    assert (await viewer.client.get(f"/api/media/{resource_id}/original")).status_code == 200
    assert (await viewer.client.get(f"/api/collections/{project.collection_id}/")).status_code == 200
    assert (await viewer.client.post("/api/uploads/", json=project.announced(b"y"))).status_code == 404
    changed = await viewer.client.patch(
        f"/api/classification-projects/{looking['id']}/", json={"name": "no"}, headers={"If-Match": '"1"'}
    )
    assert changed.status_code == 403


async def test_a_tokens_scopes_limit_what_its_person_may(backend: Backend):
    owner = await backend.person("owner", scopes=("read",))
    assert (await owner.client.post("/api/tokens/", json={"name": "more", "scopes": ["read"]})).status_code == 403
    maker = await backend.person("owner", scopes=("read", "tokens"))
    answer = await maker.client.post("/api/tokens/", json={"name": "more", "scopes": ["*"]})
    assert answer.status_code == 403
    assert (await owner.client.get("/api/research-projects/")).status_code == 200
    nothing = {"research_project_id": str(uuid7()), "name": "x"}
    refused = await owner.client.post("/api/collections/", json=nothing, headers={"Idempotency-Key": "1"})
    assert refused.status_code == 403
    assert "describe" in refused.json()["detail"]


async def test_a_project_keeps_an_owner_and_only_owners_make_owners(backend: Backend):
    owner, manager = await backend.person("owner"), await backend.person("manager")
    project = await backend.project(owner)
    members = f"/api/research-projects/{project.id}/members/"
    await joined(owner, manager, f"research-projects/{project.id}", "manager")
    assert (await manager.client.put(members, json={"email": manager.email, "role": "owner"})).status_code == 403
    assert (await owner.client.put(members, json={"email": owner.email, "role": "member"})).status_code == 409
    assert (await owner.client.delete(f"{members}{owner.id}/")).status_code == 409
    assert (await owner.client.delete(f"{members}{manager.id}/")).status_code == 204
    assert (await manager.client.get(members)).status_code == 404


async def test_a_member_of_a_requested_project_cannot_upload_before_it_is_active(backend: Backend):
    owner = await backend.person("owner")
    requested = await made(owner.client, "/api/research-projects/", {"name": "new", "acronym": "N"})
    assert requested["status"] == "requested"
    collection = await made(owner.client, "/api/collections/", {"research_project_id": requested["id"], "name": "c"})
    body = {
        "research_project_id": requested["id"],
        "collection_id": collection["id"],
        "items": [{"name": "a", "path": "a", "size_bytes": 1, "sha256": "0" * 64}],
    }
    answer = await owner.client.post("/api/uploads/", json=body)
    assert answer.status_code == 409
    assert answer.json()["type"] == "project-not-active"
