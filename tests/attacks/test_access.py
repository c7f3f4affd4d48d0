"""Every route by every role on own, foreign, absent and archived objects of the real Expert, as docs/access.md says."""

import json
from pathlib import Path
from typing import Any

import httpx

from expert.access.state import Capability, ResearchRole
from tests.support.access_table import CALLERS, OUTSIDER, OWNER, RULES, CallerKind, Outcome, Place, page, routes
from tests.support.access_world import OWN_ROWS, World, parameters
from tests.support.make.expert import made
from tests.support.make.expert_ai import applied
from tests.support.make.results import results
from trapper_schemas.ids import uuid7

ROOT = Path(__file__).parents[2]
ROUTES = list(routes())


def test_every_route_has_a_rule_and_every_capability_a_route() -> None:
    assert {route.operation for route in ROUTES} == set(RULES)
    asked_by_guards = {route.scope for route in ROUTES} - {None}
    # These have no guard: they decide in routes that more people call; each has a test of its own below.
    assert set(Capability) - asked_by_guards == {Capability.SEE_ORIGINALS, Capability.PUBLISH}


def test_committed_table_is_current() -> None:
    assert (ROOT / "docs/access.md").read_text("utf-8") == page(), (
        "run: .venv/bin/python -m tests.support.access_table > docs/access.md"
    )


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


async def test_every_role_gets_from_every_route_what_the_table_says(everything: World) -> None:
    wrong: list[str] = []
    for archived in (False, True):
        if archived:
            await everything.archive(is_active=False)
        for route in ROUTES:
            if archived and route.rule.place in {Place.PUBLIC, Place.PERSON, Place.SITE, Place.OWN}:
                continue
            for caller in CALLERS:
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
        for name in everything.ids.keys() & names[1:]:
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
    secrets = {
        str(value) for name, value in everything.ids.items() if name not in {"algorithm_id", "provider_id", "taxon_id"}
    }
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


async def test_ended_link_shows_nothing_through_any_route(own_world: World) -> None:
    """Neither the resources nor what was derived from them; numbers of jobs stay, and consenting opens all again."""
    job_id, resources = own_world.ids["job_id"], own_world.project.resource_ids
    await applied(own_world.project, job_id, results(batch_id=uuid7(), resource_ids=resources))
    hidden = {str(resource_id) for resource_id in resources}
    hidden |= {str(row[0]) for row in await own_world.project.sql("select id from classifications")}
    hidden |= {str(row[0]) for row in await own_world.project.sql("select id from observations")}
    places = {Place.PERSON, Place.CLASSIFICATION, Place.SHARED}
    reads = [route for route in ROUTES if route.method == "GET" and route.rule.place in places]
    members = [caller for caller in CALLERS if caller.classification_role is not None]

    async def showing(caller: CallerKind) -> set[str]:
        shown: set[str] = set()
        for route in reads:
            reply = await own_world.call(route, caller, own_world.ids)
            text = reply.text if "json" in reply.headers.get("content-type", "") else f"{hidden}"
            if reply.is_success and any(value in text for value in hidden):
                shown.add(route.path)
        return shown

    async def end(moment: str) -> None:
        table = "classification_project_collections"
        await own_world.project.sql(f"update {table} set revoked_at = {moment}")  # noqa: S608

    before = await showing(members[0])
    rows = "/api/media-classifications"
    derived = {
        f"{rows}/classifications/",
        f"{rows}/classifications/{{classification_id}}/",
        f"{rows}/resources/{{resource_id}}/history/",
        "/api/observations/",
        "/api/ai-classification-jobs/{job_id}/resources/",
        "/api/classification-projects/{project_id}/machine-detections/",
    }
    assert derived <= before
    await end("now()")
    for caller in members:
        assert await showing(caller) == set(), caller.name
    assert await showing(OWNER) == before  # the collection is the owner's own
    link_id = own_world.ids["link_id"]
    project = f"/api/classification-projects/{own_world.ids['classification_project']}"
    client = own_world.clients[members[-1].name]
    for reply in (
        await client.get(f"{project}/collections/{link_id}/counts/"),
        await client.get("/api/sequences/counts/", params={"linked_collection_id": link_id}),
        await client.post(f"/api/ai-classification-jobs/{job_id}/reparse_results/"),
    ):
        assert (reply.status_code, reply.json()["type"]) == (409, "link-not-open"), reply.text
    row = f"/api/media-classifications/classifications/{own_world.ids['classification_id']}"
    for action in ("approve", "unapprove"):
        refused = await client.post(f"{row}/{action}/", headers={"If-Match": '"1"'})
        assert (refused.status_code, refused.json()["type"]) == (404, "classification-not-found"), refused.text
    await end("null")
    assert await showing(members[0]) == before


async def test_repeated_request_shows_nothing_after_the_link_ended(own_world: World) -> None:
    """A caller who kept the idempotency keys of their own rows gets them back only while the link is open."""
    annotator = own_world.clients["annotator"]
    rows = "/api/media-classifications/classifications/"
    started = {
        "classification_project_id": str(own_world.project.project_id),
        "resource_id": str(own_world.project.resource_ids[0]),
        "dynamic_attrs": [{"observation_type": "blank"}],
    }

    async def send() -> list[httpx.Response]:
        return [
            await annotator.post(rows, json=started, headers={"Idempotency-Key": "start"}),
            await annotator.post(
                f"{rows}{own_world.ids['classification_id']}/fork/", headers={"Idempotency-Key": "fork"}
            ),
        ]

    assert [reply.status_code for reply in await send()] == [201, 201]
    assert [reply.status_code for reply in await send()] == [200, 200]
    await own_world.project.sql("update classification_project_collections set revoked_at = now()")
    assert [reply.json()["type"] for reply in await send()] == ["resource-not-in-project", "classification-not-found"]


async def test_row_is_read_through_another_link_of_its_project(everything: World) -> None:
    """A resource in two linked collections stays readable when one of the links ends."""
    project = everything.project
    owner = everything.clients[OWNER.name]
    second = await made(
        owner, "/api/collections/", {"research_project_id": str(project.research_project_id), "name": "second"}
    )
    path = f"/api/classification-projects/{project.project_id}/collections/"
    link = await made(owner, path, {"collection_id": second["id"]})
    await project.sql(
        "insert into linked_collection_resources (linked_collection_id, resource_id) values (:link_id, :resource_id)",
        link_id=link["id"],
        resource_id=project.resource_ids[0],
    )
    viewer = everything.clients["viewer"]
    await project.sql(
        "update classification_project_collections set revoked_at = now() where id = :id",
        id=project.linked_collection_id,
    )
    items = (await viewer.get("/api/media-classifications/classifications/")).json()["items"]
    await project.sql("update classification_project_collections set revoked_at = null")
    await project.sql("delete from linked_collection_resources where linked_collection_id = :id", id=link["id"])
    assert {item["resource_id"] for item in items} == {str(project.resource_ids[0])}


async def test_owners_and_managers_with_the_scope_alone_set_a_visibility(everything: World) -> None:
    published: set[str] = set()
    for caller in CALLERS:
        client = everything.clients[caller.name]
        new = {"research_project_id": str(everything.ids["research_project"]), "visibility": "public"}
        version = await everything.project.sql(
            "select version from collections where id = :id", id=everything.ids["collection_id"]
        )
        replies = [
            await client.post(
                "/api/collections/", json=new | {"name": uuid7().hex}, headers={"Idempotency-Key": uuid7().hex}
            ),
            await client.patch(
                f"/api/collections/{everything.ids['collection_id']}/",
                json={"visibility": "public"},
                headers={"If-Match": f'"{version[0][0]}"'},
            ),
            await client.patch(
                f"/api/resources/{everything.ids['resource_id']}/",
                json={"visibility": "on_demand"},
                headers={"If-Match": await _version(everything, everything.ids["resource_id"])},
            ),
        ]
        outcomes = {reply.is_success for reply in replies}
        assert len(outcomes) == 1, (caller.name, [reply.text for reply in replies])
        if outcomes == {True}:
            published.add(caller.name)
            await everything.project.sql("update collections set visibility = 'private'")
            await everything.project.sql("update resources set visibility = 'private'")
    assert published == {"owner", "manager", "owner's token: all that writes"}


async def _version(everything: World, resource_id: object) -> str:
    rows = await everything.project.sql("select version from resources where id = :id", id=resource_id)
    return f'"{rows[0][0]}"'


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
