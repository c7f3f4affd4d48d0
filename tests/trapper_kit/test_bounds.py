"""A body that is read whole has an end; one that is read as a stream sets its own."""

from collections.abc import AsyncIterator

import httpx
from fastapi import APIRouter, Request
from pydantic import BaseModel

from tests.trapper_kit.test_http_client import app as other_app
from trapper_kit.web.app import read_body
from trapper_kit.web.bounds import DOCUMENT_BYTES
from trapper_kit.web.guards import public

PIECE = b" " * 1024 * 1024
PIECES = DOCUMENT_BYTES // len(PIECE) + 20


class Body(BaseModel):
    number: int


class Sent:
    """A body that says how much of it was asked for."""

    def __init__(self) -> None:
        self.pieces = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.pieces < PIECES:
            self.pieces += 1
            yield PIECE


def web() -> httpx.AsyncClient:
    router = APIRouter(prefix="/api/bodies", tags=["bodies"])

    @router.post("/whole/")
    @public
    async def whole(body: Body) -> int:
        return body.number

    @router.post("/streamed/")
    @public
    async def streamed(request: Request) -> int:
        return sum([len(chunk) async for chunk in read_body(request, at_most=2 * DOCUMENT_BYTES)])

    app = other_app()
    app.include_router(router)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_a_document_without_end_is_refused_before_it_stands_in_memory() -> None:
    sent = Sent()
    async with web() as client:
        answer = await client.post("/api/bodies/whole/", content=sent, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "too-large")
    assert sent.pieces == DOCUMENT_BYTES // len(PIECE) + 1


async def test_a_stream_goes_on_to_the_limit_of_its_own() -> None:
    sent = Sent()
    async with web() as client:
        answer = await client.post("/api/bodies/streamed", content=sent)
    assert (answer.status_code, answer.json()) == (200, PIECES * len(PIECE))
