"""Who may do what: every route is guarded, every scope is asked for, every token ends."""

import pytest

from ai_manager.access import queries
from ai_manager.access.state import Scope
from ai_manager.app import create_app
from tests.support.make.ai_manager import DETECTOR_SHA256, Manager
from trapper_kit.web.guards import api_routes, unguarded_routes
from trapper_schemas.ids import uuid7

NEEDS = {
    ("POST", "/api/prediction_jobs/"): Scope.JOBS,
    ("GET", "/api/prediction_jobs/{id}/"): Scope.JOBS,
    ("POST", "/api/models/"): Scope.PUBLISH,
    ("PUT", f"/api/models/{DETECTOR_SHA256}/weights"): Scope.PUBLISH,
    ("GET", "/api/workers/"): Scope.OPERATE,
    ("GET", "/api/queues/"): Scope.OPERATE,
    ("POST", "/api/resource_batches/claim/"): Scope.WORK,
    ("POST", "/api/workers/{id}/heartbeat/"): Scope.WORK,
}


def test_every_route_is_guarded_or_says_that_it_is_public() -> None:
    app = create_app()
    assert unguarded_routes(app) == []
    assert len(list(api_routes(app.routes))) > 20


@pytest.mark.parametrize(("method", "path"), NEEDS)
async def test_without_the_scope_it_is_forbidden(manager: Manager, method: str, path: str) -> None:
    others = [scope for scope in Scope if scope is not NEEDS[method, path]]
    headers = await manager.token(*others, name="somebody")
    path = path.format(id=uuid7())
    answer = await manager.http.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "forbidden")
    nobody = await manager.http.request(method, path)
    assert (nobody.status_code, nobody.json()["type"]) == (401, "unauthenticated")
    assert nobody.headers["WWW-Authenticate"] == "Bearer"


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
