"""Every route by every role on own, foreign, absent and archived objects of the real Expert, as docs/access.md says."""

import json
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from expert.access.issue_token import issue_token
from expert.access.state import Capability, ResearchRole
from tests.support.access_table import CALLERS, OUTSIDER, OWNER, RULES, CallerKind, Outcome, Place, Route, page, routes
from tests.support.database import Databases
from tests.support.make import expert
from tests.support.make.expert import House, Person, joined, made
from tests.support.make.expert_ai import Scene, scene, submitted
from trapper_schemas.ids import uuid7

ROOT = Path(__file__).parents[2]
ROUTES = list(routes())
Ids = dict[str, Any]
OWN_ROWS = {
    "invitation_id": "insert into invitations (id, email, research_project_id, role, invited_by_id)"
    " select :id, u.email, :spare_project, 'member', u.id from users u where u.id = :owner"
    " on conflict (research_project_id, lower(email)) where research_project_id is not null do update set id = :id",
    "session_id": "insert into sessions (id, user_id, token_hash, expires_at, address_hash)"
    " values (:id, :owner, gen_random_uuid()::text, now() + interval '1 hour', '')",
    "token_id": "insert into tokens (id, user_id, name, scopes, token_hash, expires_at)"
    " values (:id, :owner, 'spare', '[\"read\"]', gen_random_uuid()::text, now() + interval '1 hour')",
    "upload_id": "insert into uploads"
    " (id, research_project_id, collection_id, created_by, file_name, path, path_print, size_bytes, sha256, state)"
    " values (:id, :research_project, :collection_id, :owner, 'a', 'a', gen_random_uuid()::text, 1, :sha256, 'open')",
}


def test_every_route_has_a_rule_and_every_capability_a_route() -> None:
    assert {route.operation for route in ROUTES} == set(RULES)
    asked_by_guards = {route.scope for route in ROUTES} - {None}
    # `see_originals` has no guard: it decides in a route that everybody who may read calls; its own test is below.
    assert set(Capability) - asked_by_guards == {Capability.SEE_ORIGINALS}


def test_committed_table_is_current() -> None:
    assert (ROOT / "docs/access.md").read_text("utf-8") == page(), (
        "run: .venv/bin/python -m tests.support.access_table > docs/access.md"
    )


class World:
    """The objects of one project, everybody who tries to reach them, and objects of the outsider's own project."""

    def __init__(self, house: House, project: Scene, clients: dict[str, httpx.AsyncClient], ids: Ids, other: Ids):
        self.house, self.project, self.clients, self.ids, self.other = house, project, clients, ids, other

    async def archive(self, *, is_active: bool) -> None:
        """Archive every object of the project that can be archived, or bring them back."""
        for table in ("collections", "deployments", "resources", "classification_project_collections"):
            await self.project.sql(f"update {table} set is_active = :is_active", is_active=is_active)  # noqa: S608

    async def call(self, route: Route, caller: CallerKind, ids: Ids) -> httpx.Response:
        """One request on these objects; a row of the owner's own is made for it, for it may end with it."""
        ids = {**ids, "unique": uuid7().hex[-10:], "nobody": uuid7(), "sha256": uuid7().hex + uuid7().hex}
        for name, statement in OWN_ROWS.items():
            if f"{{{name}}}" in route.path and name not in ids and route.rule.place is Place.OWN:
                ids[name] = uuid7()
                await self.project.sql(statement, **{**bound(statement, ids), "id": ids[name]})
        rule = route.rule
        names = {name: rule.path.get(name, name) for name in parameters(route.path)}
        path = route.path.format(**{name: ids.get(source, uuid7()) for name, source in names.items()})
        headers = {"Idempotency-Key": uuid7().hex}
        if rule.stale:
            headers["If-Match"] = '"999"'
        if route.operation == "uploads_receive":
            return await self.clients[caller.name].put(path, content=b"x", headers=headers)
        return await self.clients[caller.name].request(
            route.method, path, json=filled(rule.body, ids), params=filled(rule.query, ids), headers=headers
        )


def bound(statement: str, ids: Ids) -> Ids:
    return {name: value for name, value in ids.items() if f":{name}" in statement}


def parameters(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def filled(document: Any, ids: Ids) -> Any:
    """The body or query with the ids in the place of their names."""
    if isinstance(document, dict):
        return {name: filled(value, ids) for name, value in document.items()}
    if isinstance(document, list):
        return [filled(value, ids) for value in document]
    if isinstance(document, str) and document.startswith("{"):
        return str(ids.get(document[1:-1], uuid7()))
    return document


def outcome(reply: httpx.Response) -> Outcome:
    """What the access rules made of it; refusals for other reasons come after access was granted."""
    problem = reply.json() if reply.headers.get("content-type") == "application/problem+json" else {}
    if problem.get("type") == "unauthenticated":
        return Outcome.UNAUTHENTICATED
    if problem.get("type") == "forbidden":
        return Outcome.FORBIDDEN
    if reply.status_code == 404 and problem.get("type") != "thumbnail-absent":
        return Outcome.NOT_FOUND
    assert reply.status_code < 500, reply.text
    return Outcome.ALLOWED


def refusal(reply: httpx.Response) -> Any:
    """All that a refused caller learns, but the id of the request."""
    problem = reply.json()
    problem.pop("instance", None)
    return problem


async def token_of(house: House, user_id: UUID, scopes: Iterable[str]) -> httpx.AsyncClient:
    async with house.work.db() as db:
        _, token = await issue_token(
            db,
            user_id=user_id,
            name="test",
            scopes=sorted(scopes),
            lasts=timedelta(days=1),
            now=house.work.clock.now(),
        )
    return house.client({"Authorization": f"Bearer {token}"})


async def everybody(house: House, project: Scene) -> dict[str, httpx.AsyncClient]:
    """A client of each kind of caller."""
    owner = Person(project.user_ids["owner"], "owner@example.org", project.tokens["owner"], house.client())
    owner.client.headers["Authorization"] = f"Bearer {owner.token}"
    clients: dict[str, httpx.AsyncClient] = {OWNER.name: owner.client}
    research, classification = (
        f"research-projects/{project.research_project_id}",
        f"classification-projects/{project.project_id}",
    )
    for kind in CALLERS:
        if kind.name in clients:
            continue
        if kind.scopes is None:
            clients[kind.name] = house.client()
        elif kind.owns_rows:
            clients[kind.name] = await token_of(house, owner.id, kind.scopes)
        else:
            person = await house.person("caller", site_admin=kind.is_site_admin)
            clients[kind.name] = person.client
            if kind.name == "removed member":
                for role, where in (("manager", research), ("admin", classification)):
                    await joined(owner, person, where, role)
                    removed = await owner.client.delete(f"/api/{where}/members/{person.id}/")
                    assert removed.status_code == 204
            if kind.research_role is not None:
                await joined(owner, person, research, kind.research_role)
            if kind.classification_role is not None:
                await joined(owner, person, classification, kind.classification_role)
    return clients


async def objects(house: House, owner: httpx.AsyncClient, project: Scene) -> Ids:
    """Ids of one object of each kind in the project; rows that a call ends are made for each call."""
    research = {"research_project_id": str(project.research_project_id)}
    location = await made(owner, "/api/locations/", {**research, "location_id": "L1"})
    deployment = await made(owner, "/api/deployments/", {**research, "deployment_id": "D1"})
    spare = await made(owner, "/api/classification-projects/", {**research, "name": "spare"})
    link = await made(
        owner,
        f"/api/classification-projects/{spare['id']}/collections/",
        {"collection_id": str(project.collection_id)},
    )
    job_id = await submitted(project)
    started = await made(
        owner,
        "/api/media-classifications/classifications/",
        {
            "classification_project_id": str(project.project_id),
            "resource_id": str(project.resource_ids[0]),
            "dynamic_attrs": [{"observation_type": "blank"}],
        },
    )
    admin = await house.person("root", site_admin=True)
    connection = await admin.client.put(
        "/api/ai-provider-connections/", json={"name": "spare", "url": "http://127.0.0.1:9", "credential": "x"}
    )
    return {
        "research_project": project.research_project_id,
        "classification_project": project.project_id,
        "collection_id": project.collection_id,
        "link_id": project.linked_collection_id,
        "spare_link": link["id"],
        "spare_project": (await house.project(await house.person("spare"))).id,
        "resource_id": project.resource_ids[0],
        "location_id": location["id"],
        "deployment_id": deployment["id"],
        "job_id": job_id,
        "classification_id": started["id"],
        "provider_id": project.detector_id,
        "taxon_id": project.taxa["Sus scrofa"],
        "user_id": (await house.person("spare")).id,
        "connection_id": connection.json()["id"],
        "owner": project.user_ids["owner"],
    }


async def objects_elsewhere(house: House, outsider: httpx.AsyncClient) -> Ids:
    """The outsider's own project."""
    me = (await outsider.get("/api/me/")).json()
    project = await house.project(Person(UUID(me["id"]), me["email"], "", outsider))
    classification = await project.classification_project()
    link = await project.link(classification["id"])
    location = await made(outsider, "/api/locations/", {"research_project_id": str(project.id), "location_id": "L1"})
    return {
        "research_project": project.id,
        "classification_project": classification["id"],
        "collection_id": project.collection_id,
        "link_id": link["id"],
        "spare_link": link["id"],
        "resource_id": await project.upload(b"bytes of the outsider"),
        "location_id": location["id"],
        "deployment_id": (await project.deployment())["id"],
    }


@pytest.fixture(scope="module")
async def everything(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """One for all tests here: the walk is long, and calls that are allowed change nothing that another test reads."""
    url = await databases.fresh("expert")
    async with expert.house(url, tmp_path_factory.mktemp("access")) as house:
        project = await scene(house.work)
        clients = await everybody(house, project)
        ids = await objects(house, clients[OWNER.name], project)
        yield World(house, project, clients, ids, await objects_elsewhere(house, clients[OUTSIDER.name]))
    await databases.drop(url)


async def test_every_role_gets_from_every_route_what_the_table_says(everything: World) -> None:
    wrong: list[str] = []
    for archived in (False, True):
        if archived:
            await everything.archive(is_active=False)
        callers = CALLERS if not archived else (OUTSIDER, OWNER)
        for route in ROUTES:
            if archived and route.rule.place in {Place.PUBLIC, Place.PERSON, Place.SITE, Place.OWN}:
                continue
            for caller in callers:
                reply = await everything.call(route, caller, everything.ids)
                expected, actual = route.outcome(caller), outcome(reply)
                if actual is not expected:
                    wrong.append(
                        f"{'archived ' if archived else ''}{route.method} {route.path} as {caller.name}:"
                        f" {expected.value} expected, {reply.status_code} {reply.text[:200]}"
                    )
    await everything.archive(is_active=True)
    assert wrong == []


async def test_foreign_object_is_refused_like_an_absent_one(everything: World) -> None:
    """Nobody finds out which ids exist elsewhere: status, type and text are the same."""
    different: list[str] = []
    for route in ROUTES:
        if route.outcome(OUTSIDER) is not Outcome.NOT_FOUND:
            continue
        foreign_reply = await everything.call(route, OUTSIDER, everything.ids)
        absent_reply = await everything.call(route, OUTSIDER, {name: uuid7() for name in (*everything.ids, *OWN_ROWS)})
        if refusal(foreign_reply) != refusal(absent_reply):
            different.append(f"{route.method} {route.path}: {foreign_reply.text} {absent_reply.text}")
    assert different == []


async def test_foreign_object_in_a_project_of_ones_own_is_refused_like_an_absent_one(everything: World) -> None:
    """A second id of a request (a collection to link, a location, a resource …) opens nothing either."""
    different: list[str] = []
    tried = 0
    for route in ROUTES:
        rule = route.rule
        text_of_body = json.dumps([rule.body, rule.query])
        names = [rule.path.get(name, name) for name in parameters(route.path)]
        names += [name for name in everything.other if f"{{{name}}}" in text_of_body and name not in names]
        if rule.place not in {Place.RESEARCH, Place.CLASSIFICATION, Place.SHARED} or "nobody" in names:
            continue
        for name in names[1:]:
            tried += 1
            replies = [
                await everything.call(route, OUTSIDER, {**everything.other, name: value})
                for value in (everything.ids[name], uuid7())
            ]
            foreign_reply, absent_reply = replies
            same = refusal(foreign_reply) == json.loads(
                json.dumps(refusal(absent_reply)).replace(str(replies[1].request.url), str(replies[0].request.url))
            )
            if foreign_reply.is_success or not same:
                different.append(f"{route.method} {route.path} {name}: {foreign_reply.text} {absent_reply.text}")
    assert different == []
    assert tried > 10


async def test_no_list_shows_anything_of_a_foreign_project(everything: World) -> None:
    secrets = {str(value) for name, value in everything.ids.items() if name not in {"provider_id", "taxon_id"}}
    for route in ROUTES:
        if route.rule.place is Place.PERSON and route.method == "GET":
            for caller in CALLERS[1:3]:
                reply = await everything.call(route, caller, everything.ids)
                assert reply.status_code == 200, route.path
                assert not [value for value in secrets if value in reply.text], route.path


async def test_held_original_opens_for_owners_and_managers_with_the_scope_alone(everything: World) -> None:
    resource_id = everything.ids["resource_id"]
    await everything.project.sql("update resources set privacy_state = 'held' where id = :id", id=resource_id)
    opened: set[str] = set()
    for caller in CALLERS:
        reply = await everything.clients[caller.name].get(f"/api/media/{resource_id}/original")
        if reply.status_code == 200:
            opened.add(caller.name)
        elif caller.may(Place.SHARED, Capability.READ) and {"*", "read"} & (caller.scopes or frozenset()):
            assert reply.json()["type"] == "media-gated", caller.name
    assert opened == {"owner", "manager"}
    entries = await everything.project.sql("select count(*) from audit_entries where action = 'held-original-opened'")
    assert entries[0][0] == 2
    await everything.project.sql("update resources set privacy_state = 'open' where id = :id", id=resource_id)


async def test_capabilities_reply_is_what_the_table_says(everything: World) -> None:
    for caller in CALLERS:
        scopes = caller.scopes or frozenset[str]()
        if caller.research_role is None or not scopes & {"*", "read"}:
            continue
        path = f"/api/research-projects/{everything.ids['research_project']}/capabilities/"
        carried = set((await everything.clients[caller.name].get(path)).json()["items"])
        expected = {capability for capability in Capability if caller.may(Place.RESEARCH, capability)}
        assert carried == {one for one in expected if "*" in scopes or one in scopes}, caller.name
    assert {caller.research_role for caller in CALLERS} == {None, *ResearchRole}


async def test_rows_of_the_owner_stay_after_everybody_tried(everything: World) -> None:
    """Refused calls changed nothing."""
    before = await everything.project.sql("select id, version from collections order by id")
    for route in ROUTES:
        if route.method in {"PATCH", "DELETE"}:
            await everything.call(route, OUTSIDER, everything.ids)
    assert await everything.project.sql("select id, version from collections order by id") == before
