"""Attacks of the other side: replies that are huge, endless, compressed or deep; addresses that are none."""

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
import redis
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import text

from ai_worker.manager_client import Manager as WorkersManager
from expert.manager_client import ManagerClient, Managers
from expert.providers.connect_manager import connect_manager
from expert.providers.sync_ai_models import sync_ai_models
from expert.results.listen import listen_for_results
from tests.support.make.expert import Backend
from tests.support.make.expert import backend as opened_backend
from tests.support.make.expert_ai import expert, scene, submitted
from trapper_cli.servers.valkey import EmbeddedValkey
from trapper_kit.addresses import AddressRefused, networks
from trapper_kit.db import TaskMessage
from trapper_kit.http_client import HttpClient
from trapper_kit.http_replies import BadReply, Unreachable
from trapper_kit.notifications import QueueNotifier
from trapper_kit.problems import Problem, TooLarge
from trapper_kit.redis_client import open_redis
from trapper_schemas.base import Reply
from trapper_schemas.ids import uuid7
from trapper_schemas.notifications import RESULTS_READY, expert_queue
from trapper_schemas.urls import REDIS, StoreAddress, check_url
from trapper_schemas.v1.batches import BatchRelease, ClaimRequest
from trapper_schemas.v1.jobs import JobConfig, JobRequest, ResourcePage
from trapper_schemas.v1.workers import Enrolment, Heartbeat

JSON = {"content-type": "application/json"}
DEEP = b"[" * 200_000
LOOPBACK = networks(["127.0.0.0/8"])


def raw(status: int, body: bytes, **headers: str) -> httpx.MockTransport:
    def answer(_: httpx.Request) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, headers=named, stream=httpx.ByteStream(body))

    return httpx.MockTransport(answer)


async def refused_by(transport: httpx.AsyncBaseTransport, **changes: Any) -> Problem:
    client = HttpClient("http://peer", transport=transport, **changes)
    with pytest.raises(Problem) as refusal:
        await client.read(_Anything, "GET", "/x", idempotent=False)
    await client.close()
    return refusal.value


class _Anything(Reply):
    name: str


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_decompressed_reply_has_a_limit(encoding: str) -> None:
    """611 KB of gzip became 5.6 GB."""
    size = 200 << 20
    bomb = gzip.compress(bytes(size)) if encoding == "gzip" else zstandard.compress(bytes(size))
    refusal = await refused_by(raw(200, bomb, content_encoding=encoding), max_bytes=1 << 20)
    assert isinstance(refusal, TooLarge)


@pytest.mark.parametrize(
    ("transport", "kind"),
    [
        (raw(200, b"<html>Please log in</html>", content_type="text/html"), BadReply),
        (raw(200, b"{}", content_type="application/json"), BadReply),
        (raw(200, DEEP, content_type="application/json"), BadReply),
        (raw(200, b"", content_type="application/json"), BadReply),
        (raw(200, b"\xff\xfe", content_type="application/json"), BadReply),
        (raw(302, b"", location="http://127.0.0.1/"), BadReply),
        (raw(200, b"no gzip", content_encoding="gzip"), BadReply),
        (raw(200, b"x", content_encoding="br"), BadReply),
        (raw(503, b"", retry_after="nan"), Problem),
        (raw(503, b"", retry_after="1_0"), Problem),
        (raw(400, b"{", content_type="application/problem+json"), Problem),
        (raw(400, DEEP, content_type="application/problem+json"), Problem),
        (raw(200, b"x" * 5_000_000), TooLarge),
    ],
)
async def test_reply_that_is_none_becomes_a_problem(transport: httpx.MockTransport, kind: type[Problem]) -> None:
    assert isinstance(await refused_by(transport, max_bytes=1 << 20), kind)


async def test_retry_after_of_a_peer_is_bounded() -> None:
    for value, expected in (("1e300", 3600.0), ("-5", 0.0), ("inf", None), ("soon", None), ("2.5", 2.5)):
        assert (await refused_by(raw(503, b"", retry_after=value))).retry_after == expected


async def test_member_names_of_a_problem_cannot_break_the_client() -> None:
    body = {"type": "conflict", "title": "t", "status": 409, "retry_after": 9, "errors": None, "self": 1, "cls": 2}
    refusal = await refused_by(raw(409, json.dumps(body).encode(), content_type="application/problem+json"))
    assert (refusal.type, refusal.retry_after) == ("conflict", None)


async def test_list_whose_cursor_never_ends_is_refused() -> None:
    page = json.dumps({"items": [], "next_cursor": "again"}).encode()
    client = ManagerClient("http://peer", "token", transport=raw(200, page, content_type="application/json"))
    with pytest.raises(BadReply, match="no end"):
        await client.models()
    await client.close()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["items", "next_cursor", "type", "title", "status", "errors", "detail", "id", "batches"])
        | st.text(max_size=8),
        inner,
        max_size=6,
    ),
    max_leaves=20,
)  # fmt: skip
_BODIES = st.binary(max_size=200) | _JSON.map(lambda document: json.dumps(document).encode())
_HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(["application/json", "application/problem+json", "text/html", ""]),
        "retry-after": st.text(st.characters(codec="latin-1", exclude_characters="\r\n\x00"), max_size=12),
        "content-encoding": st.sampled_from(["gzip", "zstd", "br", "identity"]),
        "location": st.sampled_from(["http://169.254.169.254/", "file:///etc/passwd", "//x"]),
    },
)
Call = Callable[[httpx.MockTransport], Awaitable[object]]


def _expert(call: Callable[[ManagerClient], Awaitable[object]]) -> Call:
    return lambda transport: call(ManagerClient("http://peer", "t", transport=transport))


def _worker(call: Callable[[WorkersManager], Awaitable[object]]) -> Call:
    return lambda transport: call(WorkersManager(HttpClient("http://peer", transport=transport)))


async def _weights(peer: WorkersManager) -> None:
    async with peer.weights("a" * 64, offset=5) as piece:
        async for _ in piece.chunks:
            pass


STAGE = {"kind": "detection", "model": {"name": "n", "version": "1", "sha256": "a" * 64}}
CONFIG = JobConfig.model_validate({"stages": [STAGE]})
CALLS: dict[str, Call] = {
    "expert models": _expert(lambda peer: peer.models()),
    "expert read_job": _expert(lambda peer: peer.read_job(uuid7())),
    "expert failures": _expert(lambda peer: peer.failures(uuid7())),
    "expert closed_results": _expert(lambda peer: peer.closed_results(uuid7())),
    "expert blob": _expert(lambda peer: peer.blob(uuid7(), at_most=100)),
    "expert workers": _expert(lambda peer: peer.workers()),
    "expert queues": _expert(lambda peer: peer.queues()),
    "expert instruct_worker": _expert(lambda peer: peer.instruct_worker(uuid7(), "pause")),
    "expert cancel": _expert(lambda peer: peer.cancel(uuid7())),
    "expert blocked_models": _expert(lambda peer: peer.blocked_models()),
    "expert submit": _expert(lambda peer: peer.submit(uuid7(), JobRequest(job_config=CONFIG, media_grant="g"))),
    "expert append_page": _expert(
        lambda peer: peer.append_page(uuid7(), ResourcePage(page=1, resources=(), sealed=True))
    ),
    "expert fetched": _expert(lambda peer: peer.fetched(uuid7())),
    "worker enrol": _worker(lambda peer: peer.enrol(Enrolment(name="w", version="1", runtimes=("onnx-cpu",)))),
    "worker heartbeat": _worker(lambda peer: peer.heartbeat(uuid7(), Heartbeat())),
    "worker release": _worker(lambda peer: peer.release(uuid7(), BatchRelease(token="t", reason="draining"))),
    "worker save_results": _worker(lambda peer: peer.save_results(uuid7(), token="t", sha256="a" * 64, blob=b"bytes")),
    "worker weights": _worker(_weights),
    "worker claim": _worker(lambda peer: peer.claim(ClaimRequest(runtime="onnx-cpu", limit=1, wait_seconds=0))),
    "worker check": _worker(lambda peer: peer.check()),
    "worker golden_run": _worker(lambda peer: peer.golden_run("a" * 64, name="n", version="1")),
    "worker entries": _worker(lambda peer: peer.entries({"a" * 64})),
}


def test_every_call_of_the_expert_and_the_worker_is_attacked() -> None:
    others = {"close", "at"}
    for side, client in (("expert", ManagerClient), ("worker", WorkersManager)):
        methods = {name for name in vars(client) if not name.startswith("_")} - others
        assert {name.removeprefix(f"{side} ") for name in CALLS if name.startswith(side)} == methods


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.sampled_from([200, 201, 204, 302, 400, 404, 409, 418, 422, 429, 500, 503]), body=_BODIES, given=_HEADERS
)
def test_hostile_reply_is_a_problem_or_an_answer(
    name: str, status: int, body: bytes, given: dict[str, str], monkeypatch_pause: None
) -> None:
    """Whatever a peer answers: the call returns, or raises a Problem; nothing else ever."""

    def answer(_: httpx.Request) -> httpx.Response:
        headers = [(key.encode(), value.encode("latin-1")) for key, value in given.items()]
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    async def call() -> None:
        with suppress(Problem):
            await CALLS[name](httpx.MockTransport(answer))

    asyncio.run(call())


@pytest.fixture
def monkeypatch_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trapper_kit.http_client.RETRY_PAUSE_SECONDS", 0.0)


async def test_slow_peer_is_given_up_after_the_total_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trapper_kit.http_client.TOTAL_SECONDS", 0.3)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(50):
            writer.write(b"x")
            await asyncio.sleep(0.05)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = HttpClient(f"http://127.0.0.1:{port}", allowed=LOOPBACK)
    with pytest.raises(Unreachable, match="too long"):
        await client.request("GET", "/", idempotent=False)
    await client.close()
    server.close()


BAD_ADDRESSES = [
    "ftp://example.org", "http://", "http:///x", "http://user:secret@example.org", "http://" + "a" * 64 + ".org",
    "http://exa mple.org", "http://example.org:0", "http://example.org:99999", "http://example.org:x", "http://[::1",
    "http://1.2.3", "http://-a.org", "http://a..b", "http://exam\u2028ple.org", "http://example.org\\@evil.org",
    "javascript:alert(1)", "http://\u0000.org", "http://" + "a." * 130 + "org", "http://xn--\ud800.org",
]  # fmt: skip


@pytest.mark.parametrize("url", BAD_ADDRESSES)
def test_bad_address_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match=r"[a-z]+ "):
        check_url(url)


@pytest.mark.parametrize(
    "url", ["http://example.org", "https://b\u00fccher.example/x?y", "http://[::1]:8000", "http://1.2.3.4"]
)
def test_good_address_is_taken(url: str) -> None:
    assert check_url(url).hostname


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    for url in (text, "http://" + text):
        try:
            check_url(url)
        except ValueError:
            continue


async def test_connection_with_a_bad_address_is_refused_where_it_is_given(backend: Backend) -> None:
    admin = await backend.person("root", site_admin=True)
    for field, url in [*(("url", url) for url in BAD_ADDRESSES), ("notifications_url", "file:///etc/passwd")]:
        body = {"name": "m", "url": "http://example.org", "credential": "c", field: url}
        content = json.dumps(body).encode()
        reply = await admin.client.put("/api/ai-provider-connections/", content=content, headers=JSON)
        assert reply.status_code in {400, 422}, (url, reply.text)


async def test_each_connection_fails_alone_and_can_be_deleted(backend: Backend) -> None:
    admin = await backend.person("root", site_admin=True)
    for name, url in (
        ("metadata", "http://169.254.169.254"),
        ("nobody", "http://127.0.0.1:1"),
        ("name", "http://x.invalid"),
    ):
        body = {"name": name, "url": url, "credential": "c"}
        assert (await admin.client.put("/api/ai-provider-connections/", json=body)).status_code == 200
    reply = await admin.client.post("/api/ai-providers/sync/")
    assert reply.status_code == 200
    problems = {item["connection"]: item["problem"] for item in reply.json()["items"]}
    assert "not a public address" in problems["metadata"]
    assert all(problems.values())
    for connection in (await admin.client.get("/api/ai-provider-connections/")).json()["items"]:
        address = f"/api/ai-provider-connections/{connection['id']}/"
        assert (await admin.client.delete(address)).status_code == 204
        assert (await admin.client.delete(address)).status_code == 404
    assert (await admin.client.post("/api/ai-providers/sync/")).json() == {"items": []}


async def test_stored_address_that_cannot_be_read_fails_alone(backend: Backend) -> None:
    admin = await backend.person("root", site_admin=True)
    for name in ("bracket", "label", "nobody"):
        body = {"name": name, "url": "http://127.0.0.1:1", "credential": "c"}
        assert (await admin.client.put("/api/ai-provider-connections/", json=body)).status_code == 200
    async with backend.work.db() as db:  # as an earlier version stored them
        for name, url in (("bracket", "http://[::1"), ("label", "http://" + "a" * 64 + ".org")):
            update = text("update ai_provider_connections set url = :url where name = :name")
            await db.execute(update, {"url": url, "name": name})
    reply = await admin.client.post("/api/ai-providers/sync/")
    assert reply.status_code == 200, reply.text
    problems = {item["connection"]: item["problem"] for item in reply.json()["items"]}
    assert "not an address that can be called" in problems["bracket"]
    assert problems["label"]
    assert "did not answer" in problems["nobody"]


async def test_hostile_catalogue_does_not_stop_the_sync(expert_database_url: str, tmp_path: Any) -> None:
    model = {
        "name": "m", "version": "1", "kind": "detection", "availability": "ready", "sha256": "a" * 64,
        "sources": [], "licence": "MIT\u0000", "description": "\u0000",
        "held": True, "state": "published", "origin": "catalog",
    }  # fmt: skip
    page = json.dumps({"items": [model], "next_cursor": None}).encode()
    managers = Managers(transport=raw(200, page, content_type="application/json"))
    async with opened_backend(expert_database_url, tmp_path, managers=managers) as backend:
        admin = await backend.person("root", site_admin=True)
        for name in ("one", "two"):
            body = {"name": name, "url": "http://peer", "credential": "c"}
            assert (await admin.client.put("/api/ai-provider-connections/", json=body)).status_code == 200
        reports = await sync_ai_models(backend.work)
    assert [bool(report.problem) for report in reports] == [True, True]


async def test_good_connection_is_synced_beside_bad_ones(expert_database_url: str, tmp_path: Any) -> None:
    """HTML, a hostile list, a cursor without end and silence on one side; the good catalogue arrives all the same."""
    page = json.dumps({"items": [], "next_cursor": "again"})
    bodies = {"html": "<html>", "object": "{}", "endless": page, "good": json.dumps({"items": [], "next_cursor": None})}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "silent":
            raise httpx.ConnectError("nobody listens")
        return httpx.Response(200, headers=JSON, stream=httpx.ByteStream(bodies[request.url.host].encode()))

    managers = Managers(transport=httpx.MockTransport(answer))
    async with opened_backend(expert_database_url, tmp_path, managers=managers) as backend:
        admin = await backend.person("root", site_admin=True)
        for name in ("html", "object", "silent", "endless", "good"):
            body = {"name": name, "url": f"http://{name}", "credential": "c"}
            assert (await admin.client.put("/api/ai-provider-connections/", json=body)).status_code == 200
        reply = await admin.client.post("/api/ai-providers/sync/")
    problems = {item["connection"]: item["problem"] for item in reply.json()["items"]}
    assert problems.pop("good") is None
    assert all(problems.values()), problems


async def test_notifications_of_a_good_connection_arrive_beside_bad_ones(
    expert_database_url: str, tmp_path: Any, valkey: EmbeddedValkey
) -> None:
    """One address is a metadata service, one is closed, one was sealed under another key; the good one is heard."""
    changes: dict[str, Any] = {
        "notifications_redis_url": valkey.notifications_url,
        "allowed_addresses": ["127.0.0.0/8"],
    }
    async with expert(expert_database_url, tmp_path, **changes) as work:
        made = await scene(work)
        await submitted(made)
        for name, url in (
            ("metadata", "redis://169.254.169.254:6379/0"),
            ("closed", "redis://127.0.0.1:1/0"),
            ("x", ""),
        ):
            async with work.db() as db:
                connection = await connect_manager(
                    db, work.settings, name=name, url="http://127.0.0.1:9", credential="c",
                    notifications_url=url or None, by=None,
                )  # fmt: skip
                if not url:
                    connection.encrypted_notifications_url = "sealed under another key"
        manager_job_id = (await made.sql("select manager_job_id from ai_classification_jobs"))[0][0]
        sent: list[TaskMessage] = []

        def keep(messages: Sequence[TaskMessage]) -> None:
            sent.extend(messages)

        work.database.task_sender = keep
        listening = asyncio.create_task(listen_for_results(work))
        manager = QueueNotifier(valkey.notifications_url)
        try:
            async with asyncio.timeout(60):
                while not sent:
                    manager.notify(expert_queue(str(made.connection_id)), RESULTS_READY, job_id=str(manager_job_id))
                    await asyncio.sleep(0.2)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await manager.close()
        assert {message.actor for message in sent} == {"results.fetch"}


def test_redis_whose_name_changes_is_called_at_the_checked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name means an allowed address when it is checked, and a metadata service a moment later."""
    real, looked_up = socket.getaddrinfo, [0]

    def rebinding(host: str, *arguments: Any, **more: Any) -> Any:
        if host != "rebinding.example.org":
            return real(host, *arguments, **more)
        looked_up[0] += 1
        return real("127.0.0.1" if looked_up[0] == 1 else "169.254.169.254", *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        url = f"redis://rebinding.example.org:{server.getsockname()[1]}/0"
        client = open_redis(url, seconds=1, allowed=LOOPBACK)
        with pytest.raises(redis.RedisError):  # nobody answers, but the call came here
            client.ping()
        server.accept()[0].close()
        with pytest.raises(redis.ConnectionError, match="not a public address"):
            open_redis(url, seconds=1, allowed=LOOPBACK).ping()


def test_redis_at_a_private_address_is_refused() -> None:
    for url in ("redis://127.0.0.1:1/0", "redis://localhost:1/0", "rediss://[::ffff:10.0.0.1]:1/0"):
        client = open_redis(url, seconds=1, allowed=())
        with pytest.raises(redis.ConnectionError, match="not a public address"):
            client.ping()
    for url in ("http://example.org", "unix:///run/redis.sock", "redis://"):
        with pytest.raises(AddressRefused):
            open_redis(url, allowed=())
    check_url("redis://:secret@example.org:6379/0", schemes=REDIS, credentials=True)


def test_object_store_has_a_checked_address() -> None:
    store = TypeAdapter(StoreAddress)
    assert store.validate_python("s3://bucket.of-ours/pre/fix") == "s3://bucket.of-ours/pre/fix"
    for url in (
        "file:///etc",
        "http://example.org/bucket",
        "memory:///",
        "s3://",
        "s3://key:secret@bucket",
        "s3://bucket/a?endpoint=http://10.0.0.1",
        "s3://bucket/a b",
    ):
        with pytest.raises(ValidationError):
            store.validate_python(url)


@asynccontextmanager
async def tls_server(certificate: Any) -> AsyncGenerator[int, None]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_unknown_certificate_is_named() -> None:
    trustme = pytest.importorskip("trustme", reason="trustme is not installed")
    async with tls_server(trustme.CA().issue_cert("127.0.0.1")) as port:
        client = HttpClient(f"https://127.0.0.1:{port}", allowed=LOOPBACK)
        with pytest.raises(Unreachable, match="certificate"):
            await client.request("GET", "/", idempotent=False)
        await client.close()


async def test_proxy_of_the_environment_is_used_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "inside.example.org")
    client = HttpClient("https://manager.example.org")
    with pytest.raises(Unreachable, match="proxy"):
        await client.request("GET", "/", idempotent=False)
    assert seen == [b"CONNECT manager.example.org:443 HTTP/1.1\r\n"]
    await client.close()
    private = HttpClient("https://10.0.0.1")
    with pytest.raises(AddressRefused):
        await private.request("GET", "/", idempotent=False)
    await private.close()
    server.close()
