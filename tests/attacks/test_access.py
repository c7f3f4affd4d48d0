"""Every route by every role on own, foreign, absent and archived objects of the real Expert, as docs/access.md says."""

import json
from pathlib import Path
from typing import Any

import httpx

from expert.access.state import Capability, ResearchRole
from tests.support.access_table import CALLERS, OUTSIDER, OWNER, RULES, Outcome, Place, page, routes
from tests.support.access_world import OWN_ROWS, World, parameters
from trapper_schemas.ids import uuid7

ROOT = Path(__file__).parents[2]
ROUTES = list(routes())


def test_every_route_has_a_rule_and_every_capability_a_route() -> None:
    assert {route.operation for route in ROUTES} == set(RULES)
    asked_by_guards = {route.scope for route in ROUTES} - {None}
    # `see_originals` has no guard: it decides in a route that everybody who may read calls; its own test is below.
    assert set(Capability) - asked_by_guards == {Capability.SEE_ORIGINALS}


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
