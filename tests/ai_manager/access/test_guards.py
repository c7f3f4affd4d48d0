"""Who may do what: every route is guarded, every scope is asked for, every token ends."""

from ai_manager.access import queries
from ai_manager.access.state import GRANTABLE, Scope
from ai_manager.app import create_app
from tests.support.make.ai_manager import Manager
from trapper_kit.web.guards import api_routes, capability_of, is_public, unguarded_routes
from trapper_schemas.ids import uuid7

INCLUDED_IN = {Scope.FLEET: Scope.OPERATE}
"""What an operator may do without this scope."""


def test_every_route_is_guarded_or_says_that_it_is_public() -> None:
    app = create_app()
    assert unguarded_routes(app) == []
    assert len(list(api_routes(app.routes))) > 20


async def test_every_route_asks_for_its_scope_and_no_other(manager: Manager) -> None:
    """A token with all the other scopes is refused, one with this scope alone is not, and without one nobody is."""
    machine = await manager.worker()
    tokens = {scope: await manager.token(scope, name=scope.value) for scope in GRANTABLE}
    tokens[Scope.WORK] = machine.headers
    walked: set[str] = set()
    for route in api_routes(manager.app.routes):
        scope = capability_of(route)
        if is_public(route) or scope is None:  # reading the catalogue takes any token, enrolling takes its own
            continue
        walked.add(scope)
        others = await manager.token(
            *(other for other in Scope if other not in {scope, INCLUDED_IN.get(scope)}), name="others"
        )
        path = route.path.format(**dict.fromkeys(route.param_convertors, uuid7()) | {"worker_id": machine.id})
        for method in route.methods or ():
            nobody = await manager.http.request(method, path)
            assert (nobody.status_code, nobody.json()["type"]) == (401, "unauthenticated"), path
            assert nobody.headers["WWW-Authenticate"] == "Bearer"
            refused = await manager.http.request(method, path, headers=others)
            assert (refused.status_code, refused.json()["type"]) == (403, "forbidden"), path
            allowed = await manager.http.request(method, path, headers=tokens[Scope(scope)], json={})
            assert allowed.status_code not in {401, 403, 500}, (path, allowed.text)
    assert walked == set(Scope)


async def test_a_revoked_or_expired_token_is_nobody(manager: Manager) -> None:
    headers = await manager.token(Scope.OPERATE, name="operator")
    assert (await manager.http.get("/api/queues/", headers=headers)).status_code == 200
    await manager.execute("update tokens set expires_at = now() - interval '1 second'")
    assert (await manager.http.get("/api/queues/", headers=headers)).status_code == 401
    headers = await manager.token(Scope.OPERATE, name="operator")
    async with manager.work.db() as db:
        assert await queries.revoke_by_name(db, "operator", manager.work.clock.now()) == 3
    assert (await manager.http.get("/api/queues/", headers=headers)).status_code == 401


async def test_tokens_are_not_in_the_database(manager: Manager) -> None:
    headers = await manager.token(Scope.JOBS)
    token = headers["Authorization"].removeprefix("Bearer ")
    rows = await manager.rows("select row_to_json(tokens)::text as t from tokens")
    assert rows
    assert all(token not in row["t"] for row in rows)


async def test_another_protocol_is_refused_with_the_one_that_is_served(manager: Manager) -> None:
    headers = {**await manager.token(Scope.JOBS), "Trapper-Protocol": "7"}
    answer = await manager.http.get("/api/models/", headers=headers)
    assert (answer.status_code, answer.json()["type"], answer.json()["served"]) == (400, "protocol-not-served", [1])


async def test_both_slashes_answer_without_redirect(manager: Manager) -> None:
    headers = await manager.token(Scope.JOBS)
    for path in ("/api/models", "/api/models/"):
        assert (await manager.http.get(path, headers=headers)).status_code == 200
