"""What every web process does alike: both slashes, problems, request ids, guards."""

from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel

from tests.trapper_kit.test_http_client import app as other_app
from trapper_kit.paging import PageRequest
from trapper_kit.problems import REGISTRY, Malformed, Problem
from trapper_kit.web.describe import problems
from trapper_kit.web.guards import guard, public, unguarded_routes


class Body(BaseModel):
    number: int


def make_app(router: APIRouter) -> Any:
    app = other_app()
    app.include_router(router)
    return app


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test")


async def test_a_path_answers_with_and_without_its_slash() -> None:
    async with client(other_app()) as web:
        assert (await web.get("/api/things/large")).status_code == 200
        assert (await web.get("/api/things/large/")).status_code == 200


async def test_every_refusal_is_a_problem_with_the_request_s_id() -> None:
    async with client(other_app()) as web:
        for method, path, status in [
            ("GET", "/nowhere", 404),
            ("DELETE", "/healthz", 405),
            ("POST", "/api/things/taken/", 409),
        ]:
            answer = await web.request(method, path, headers={"X-Request-Id": "abc-1"})
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["instance"] == "abc-1" == answer.headers["x-request-id"]
            assert answer.json()["type"] in REGISTRY
        assert (await web.delete("/healthz")).headers["allow"] == "GET"


async def test_an_invalid_field_is_named_and_the_input_is_not_repeated() -> None:
    router = APIRouter(prefix="/api/bodies", tags=["bodies"])

    @router.post("/")
    @public
    async def take(body: Body) -> int:
        return body.number

    async with client(make_app(router)) as web:
        answer = await web.post("/api/bodies/", json={"number": "hunter2"})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == ["body", "number"]
        assert "hunter2" not in answer.text
        for body in (b"{", b'"\xff"'):
            answer = await web.post("/api/bodies/", content=body, headers={"content-type": "application/json"})
            assert (answer.status_code, answer.json()["type"]) == (400, "malformed")


async def test_an_unexpected_error_tells_nothing() -> None:
    router = APIRouter(prefix="/api/errors", tags=["errors"])

    @router.get("/")
    @public
    async def fail() -> None:
        raise RuntimeError("the password is hunter2")

    async with client(make_app(router)) as web:
        answer = await web.get("/api/errors/")
        assert answer.status_code == 500
        assert answer.json()["type"] == "unexpected"
        assert "hunter2" not in answer.text


def test_a_route_without_a_guard_is_found() -> None:
    router = APIRouter(prefix="/api/rooms", tags=["rooms"])

    @guard
    async def only_friends() -> str:
        return "friend"

    @router.get("/open/")
    async def forgotten() -> None: ...

    @router.get("/guarded/")
    async def guarded(_: Annotated[str, Depends(only_friends)]) -> None: ...

    assert unguarded_routes(make_app(router)) == ["['GET'] /api/rooms/open/"]


def test_a_cursor_of_another_filter_is_refused() -> None:
    page_request = PageRequest.of(10, None, {"state": "done"})
    cursor = page_request.next(["2026-01-01", "id"])
    assert PageRequest.of(10, cursor, {"state": "done"}).after() == ["2026-01-01", "id"]
    for wrong in (
        PageRequest.of(10, cursor, {"state": "failed"}),
        PageRequest.of(10, "rubbish", {}),
        PageRequest.of(10, "e30", {}),
    ):
        with pytest.raises(Malformed):
            wrong.after()


def test_a_problem_type_can_be_taken_only_once() -> None:
    with pytest.raises(TypeError, match="taken"):
        type("Another", (Problem,), {"type": "conflict"})


async def test_a_path_says_all_its_methods_and_requests_are_counted_by_their_operation() -> None:
    router = APIRouter(prefix="/api/doors", tags=["doors"])

    @router.get("/")
    @public
    async def look() -> None: ...

    @router.post("/")
    @public
    async def knock() -> None: ...

    async with client(make_app(router)) as web:
        assert (await web.put("/api/doors")).headers["allow"] == "GET, POST"
        assert (await web.post("/api/doors")).status_code == 200
        counted = (await web.get("/metrics")).text
    assert 'trapper_requests_total{operation="doors_knock",service="test",status="200"} 1.0' in counted


def test_the_contract_names_the_bearer_token_and_the_type_of_refusals() -> None:
    router = APIRouter(prefix="/api/secrets", tags=["secrets"])

    @guard
    async def check(authorization: Annotated[str | None, Header()] = None) -> None:
        del authorization

    @router.get("/", responses=problems(Malformed), dependencies=[Depends(check)])
    async def read(limit: int = 1) -> int:
        return limit

    app = make_app(router)
    for _ in range(2):  # FastAPI keeps the document that it made
        document = app.openapi()
        operation = document["paths"]["/api/secrets/"]["get"]
        assert [one["name"] for one in operation["parameters"]] == ["limit"]
        assert operation["security"] == [{"HTTPBearer": []}]
        assert document["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
        (refusal,) = operation["responses"]["400"]["content"].items()
        assert refusal == ("application/problem+json", {"schema": {"$ref": "#/components/schemas/ProblemBody"}})
    assert "security" not in app.openapi()["paths"]["/healthz"]["get"]
