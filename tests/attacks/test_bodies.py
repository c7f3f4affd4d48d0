"""Attacks with bodies: too long, too deep, too many keys, without a credential; each is refused early and cheaply."""

import asyncio
import json
import time
import tracemalloc
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from tests.support.make.expert import Backend, Person, joined
from tests.trapper_kit.test_http_client import app as other_app
from trapper_kit.problems import Malformed
from trapper_kit.web.app import MAX_ERRORS, read_body
from trapper_kit.web.bodies import KIB, MAX_DEPTH, MAX_KEYS, MIB, PUBLIC_BYTES, body_limit, check_json
from trapper_kit.web.guards import public

JSON = {"Content-Type": "application/json"}


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: int


class Sent:
    """A body without end that counts how many of its pieces were read."""

    def __init__(self, piece: bytes = b" " * 16 * KIB, pieces: int = 10_000) -> None:
        self.piece, self.pieces, self.read = piece, pieces, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.read < self.pieces:
            self.read += 1
            yield self.piece


@pytest.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    router = APIRouter(prefix="/api/bodies", tags=["bodies"])

    @router.post("/public/")
    @public
    async def public_document(body: Body) -> int:
        return body.number

    @router.post("/large/")
    @public
    @body_limit(2 * MIB)
    async def large_document(body: list[int]) -> int:
        return len(body)

    @router.post("/streamed/")
    @public
    async def streamed(request: Request) -> int:
        return sum([len(chunk) async for chunk in read_body(request, at_most=2 * MIB)])

    app = other_app()
    app.include_router(router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_public_route_reads_at_most_64_kib(web: httpx.AsyncClient) -> None:
    sent = Sent()
    reply = await web.post("/api/bodies/public/", content=sent, headers=JSON)
    assert (reply.status_code, reply.json()["type"]) == (413, "too-large")
    assert sent.read == PUBLIC_BYTES // len(sent.piece) + 1


async def test_announced_length_is_refused_before_the_first_byte(web: httpx.AsyncClient) -> None:
    sent = Sent()
    headers = {**JSON, "Content-Length": str(PUBLIC_BYTES + 1)}
    reply = await web.post("/api/bodies/public/", content=sent, headers=headers)
    assert (reply.status_code, reply.json()["type"], sent.read) == (413, "too-large", 0)


async def test_route_with_a_limit_of_its_own_takes_more(web: httpx.AsyncClient) -> None:
    body = "[" + ",".join(["1"] * 100_000) + "]"
    assert (await web.post("/api/bodies/large/", content=body, headers=JSON)).json() == 100_000
    reply = await web.post("/api/bodies/large/", content=" " * (2 * MIB + 1), headers=JSON)
    assert reply.status_code == 413


async def test_stream_reads_up_to_the_limit_of_its_route(web: httpx.AsyncClient) -> None:
    assert (await web.post("/api/bodies/streamed/", content=Sent(pieces=128))).json() == 2 * MIB
    assert (await web.post("/api/bodies/streamed/", content=Sent(pieces=129))).status_code == 413


async def test_deep_document_is_refused_with_the_limit(web: httpx.AsyncClient) -> None:
    for body in (b"[" * 60_000, b'{"a":' * 10_000, b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)):
        reply = await web.post("/api/bodies/public/", content=body, headers=JSON)
        assert (reply.status_code, reply.json()["type"]) == (400, "malformed")
        assert str(MAX_DEPTH) in reply.json()["detail"]


async def test_object_with_too_many_keys_is_refused_before_validation(web: httpx.AsyncClient) -> None:
    body = json.dumps({f"k{number}": 0 for number in range(MAX_KEYS + 1)})
    reply = await web.post("/api/bodies/public/", content=body, headers=JSON)
    assert (reply.status_code, reply.json()["type"]) == (400, "malformed")
    assert str(MAX_KEYS) in reply.json()["detail"]


async def test_reply_lists_at_most_20_errors_and_no_long_keys(web: httpx.AsyncClient) -> None:
    body = {f"{number}" + "x" * 50: 0 for number in range(900)}
    reply = await web.post("/api/bodies/public/", json=body)
    assert reply.status_code == 422
    assert len(reply.json()["errors"]) == MAX_ERRORS
    assert len(reply.content) < 16 * KIB


async def test_long_key_is_cut_in_the_location_of_its_error(web: httpx.AsyncClient) -> None:
    reply = await web.post("/api/bodies/public/", json={"number": 1, "x" * 30_000: 0})
    assert reply.status_code == 422
    assert len(reply.content) < 2 * KIB


async def test_unauthenticated_body_is_not_read(backend: Backend) -> None:
    stranger = backend.client()
    sent = Sent()
    for method, path in [("POST", "/api/collections/"), ("POST", "/api/uploads/"), ("POST", "/api/tokens/")]:
        reply = await stranger.request(method, path, content=sent, headers={**JSON, "Idempotency-Key": "k"})
        assert (reply.status_code, sent.read) == (401, 0), path
    token = backend.client({"Authorization": "Bearer trapper_unknown"})
    reply = await token.post("/api/collections/", content=sent, headers={**JSON, "Idempotency-Key": "k"})
    assert (reply.status_code, sent.read) == (401, 0)


async def test_guarded_route_reads_at_most_1_mib(backend: Backend) -> None:
    person = await backend.person("anybody")
    document = json.dumps({"name": "Bears", "acronym": "B"}).encode()
    replies = [
        await person.client.post(
            "/api/research-projects/", content=document.ljust(size), headers={**JSON, "Idempotency-Key": str(size)}
        )
        for size in (MIB, MIB + 1)
    ]
    assert [reply.status_code for reply in replies] == [201, 413]
    sent = Sent()
    reply = await person.client.post(
        "/api/research-projects/", content=sent, headers={**JSON, "Idempotency-Key": "endless"}
    )
    assert reply.status_code == 413
    assert sent.read * len(sent.piece) <= MIB + 2 * len(sent.piece)


async def test_body_outside_the_scopes_of_a_token_is_not_read(backend: Backend) -> None:
    reader = await backend.person("reader", scopes=("read",))
    sent = Sent()
    reply = await reader.client.post("/api/collections/", content=sent, headers={**JSON, "Idempotency-Key": "k"})
    assert (reply.status_code, sent.read) == (403, 0)


async def test_20_megabytes_of_unknown_keys_cost_nothing(backend: Backend) -> None:
    """The first attack: 20 MB of unknown keys on the sign-in route took 23 s and 3 GB."""
    body = ("{" + ",".join(f'"k{number}":0' for number in range(1_600_000)) + "}").encode()
    stranger = backend.client()
    tracemalloc.start()
    began = time.process_time()
    reply = await stranger.post("/api/sessions/", content=body, headers=JSON)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert reply.status_code == 413
    assert time.process_time() - began < 1
    assert peak < 8 * MIB


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
        max_leaves=30,
    )
)
def test_ordinary_documents_pass_whatever_their_strings_hold(document: object) -> None:
    nested = json.dumps(document)
    if nested.count("[") + nested.count("{") <= MAX_DEPTH:
        check_json(nested.encode())
    check_json(json.dumps(json.dumps([["[", '{":,\\']] * 40)).encode())  # brackets in a string are no nesting


@pytest.mark.parametrize("text", [b'"' + b'\\"' * 400_000, b'"\\' * 400_000, b'"' * 400_001, b"\\" * 400_000])
def test_check_is_linear_for_unterminated_strings(text: bytes) -> None:
    began = time.process_time()
    check_json(text)
    assert time.process_time() - began < 1


def test_refused_document_raises_malformed() -> None:
    with pytest.raises(Malformed):
        check_json(b"[" * 33)


async def test_uploads_keep_less_than_1_mib_each_and_are_limited_per_account(backend: Backend) -> None:
    backend.work.settings = backend.work.settings.model_copy(update={"uploads_per_account": 8})
    owner, other = await backend.person("owner"), await backend.person("other")
    project = await backend.project(owner)
    await joined(owner, other, f"research-projects/{project.id}", "member")
    go_on, size = asyncio.Event(), 5 * MIB + 700 * KIB

    async def slow(number: int) -> AsyncIterator[bytes]:
        for _ in range(size // (64 * KIB)):
            yield bytes([number]) * 64 * KIB
        await go_on.wait()
        yield bytes([number]) * (size % (64 * KIB))

    async def send(person: Person, number: int) -> httpx.Response:
        body = project.announced(bytes([number]) * size, f"{number}.jpg")
        begun = (await person.client.post("/api/uploads/", json=body)).json()["items"][0]
        return await person.client.put(f"/api/uploads/{begun['upload_id']}/content", content=slow(number))

    tracemalloc.start()
    sending = [asyncio.create_task(send(owner, number)) for number in range(8)]
    async with asyncio.timeout(60):
        while not all_written(backend, 8 * 5 * MIB):  # noqa: ASYNC110 - other threads write, without an event
            await asyncio.sleep(0.05)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 8 * MIB
    refused = await send(owner, 9)
    assert (refused.status_code, refused.json()["type"]) == (429, "too-many-uploads")
    assert float(refused.headers["Retry-After"]) > 0
    theirs = asyncio.create_task(send(other, 10))
    go_on.set()
    replies = await asyncio.gather(*sending, theirs)
    assert [reply.status_code for reply in replies] == [200] * 9
    assert not backend.work.receiving_uploads
    assert (await send(owner, 9)).status_code == 200


def all_written(backend: Backend, size_bytes: int) -> bool:
    folder = backend.work.settings.media_dir
    assert folder is not None
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >= size_bytes
