"""Callers that send anything at all: whatever comes is answered, and every refusal is a typed problem."""

import asyncio
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
import zstandard

from ai_manager.access.state import Scope
from ai_manager.app import create_app
from tests.support.make.ai_manager import (
    DETECTOR_SHA256,
    Machine,
    Manager,
    job_request,
    model_entry,
    resource,
    results_of,
)
from trapper_kit.problems import REGISTRY
from trapper_kit.web.guards import api_routes
from trapper_schemas.codec import MEDIA_TYPE as BLOB
from trapper_schemas.ids import uuid7
from trapper_schemas.problem import MEDIA_TYPE
from trapper_schemas.protocol import HEADER, PROTOCOL
from trapper_schemas.v1.batches import BatchLease

JUNK = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a number": b"7",
    "text": b"hello",
    "an empty object": b"{}",
    "cut off": b'{"runtime": "onnx-cpu", "leases": [',
    "not utf-8": b'{"name": "\xff\xfe"}',
    "half a character": b'{"name": "\\ud800", "stages": "\\udfff"}',
    "half a character as a key": b'{"\\ud800": 1}',
    "not a number": b'{"load": NaN, "wait_seconds": Infinity}',
    "a number of six thousand digits": b'{"limit": 1' + b"0" * 6000 + b"}",
    "lists without end": b"[" * 100_000,
    "objects without end": b'{"stages":' * 50_000,
    "zstd of nothing": zstandard.ZstdCompressor().compress(b""),
}
WRONG: tuple[Any, ...] = (None, True, -1, 10**30, 1e308, 5e-324, "", "\x00", "\ud800", "x" * 3000, [], {}, [[{}]])
ODD = ("x", "0", "%00", "..", "a" * 300, "%2e%2e%2fetc", str(UUID(int=0)), "%F0%9F%90%BB", "%ff", "a b", "0" * 64)
QUERIES = {
    "limit": ("0", "-1", "201", "x", "9" * 5000, ""),
    "cursor": ("x", "%", "a" * 1001, "W10", "bnVsbA", "W1tbW1tbW1tbW1tbW1tb", "\x00", "W" * 999),
    "after": ("x", "", "0", str(UUID(int=0))),
    "include": ("x", "", "ACKNOWLEDGED"),
    "name": ("", "\x00", "a/b", "x" * 65, "-"),
    "version": ("", "\x00", "x" * 41),
    "retired": ("x", "2", ""),
}
HEADERS = {
    "Authorization": ("", "Bearer", "Bearer ", "Basic eDp5", "bearer x", "Bearer " + "x" * 600, "Bearer \xe9\xff"),
    HEADER: ("", "x", "0", "-1", "3", "1.5", "9" * 5000, "1, 2"),
    "Content-Encoding": ("gzip", "br", "zstd", "", "zstd, zstd", "identity"),
    "Idempotency-Key": ("", "x" * 201, "\xe9"),
    "Lease-Token": ("", "x" * 101, "\xe9"),
    "Content-Sha256": ("", "x", "A" * 64, "0" * 65),
    "Range": ("", "x", "bytes=", "bytes=-", "bytes=5-1", "bytes=0-1,3-4", "bytes=-0", "bytes=" + "9" * 90 + "-"),
    "Content-Type": ("", "x", "application/xml", "application/json; charset=utf-16", "text/html"),
    "Content-Length": ("x", "-1", "9" * 30),
    "X-Request-Id": ("", "\xe9", "x" * 65, "a b"),
}


@dataclass(frozen=True)
class Call:
    """One operation of the contract as it is meant, with the scope that it takes."""

    method: str
    path: str
    scope: Scope
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


_OUTPUT = {"name": "o", "shape": [1], "largest": 1.0, "sampled": [0.5]}
_PUBLISH = {
    "entry": model_entry(name="another", sha256="c" * 64),
    "proof": {"provider": "x", "precision": "float32", "checksum": "1", "inputs": [[_OUTPUT]]},
}
_BEAT = {
    "leases": [{"batch_id": str(UUID(int=7)), "token": "t", "done": 1, "total": 2}],
    "complete": True,
    "images_per_second": {DETECTOR_SHA256: 2.0},
    "load": 0.5,
    "devices": [{"name": "cpu", "busy": 0.5, "memory_bytes": 1}],
    "models_on_disk": [DETECTOR_SHA256],
    "pins": [{"name": "unpinned", "version": "1", "sha256": "d" * 64, "size_bytes": 1}],
}
_CLAIM = {
    "runtime": "onnx-cpu",
    "limit": 1,
    "wait_seconds": 0,
    "loaded": [DETECTOR_SHA256],
    "on_disk": [DETECTOR_SHA256],
    "allow_unpinned": False,
    "memory_bytes": 1,
    "offline_seconds": 1.0,
}
_ENROL = {
    "name": "somebody",
    "version": "1",
    "protocols": [1, 2],
    "devices": [{"name": "cpu", "kind": "cpu", "memory_bytes": 1}],
    "runtimes": ["onnx-cpu"],
    "models_on_disk": [DETECTOR_SHA256],
}
_PIN = {"version": "1", "sha256": "d" * 64, "size_bytes": 1}
_PAGE = {"page": 1, "resources": [resource()], "sealed": False}
_RELEASE = {"token": "t", "reason": "draining", "message": "m"}
_SAVE = {"Lease-Token": "t", "Content-Sha256": "0" * 64, "Content-Type": BLOB}
_MODEL, _WEIGHTS = "/api/models/{sha256}", "/api/models/{sha256}/weights"
_JOB, _BATCH, _WORKER = "/api/prediction_jobs/{job_id}", "/api/resource_batches/{batch_id}", "/api/workers/{worker_id}"
_ORDERS = ("pause", "resume", "drain")
CALLS = (
    Call("GET", "/api/models/", Scope.JOBS),
    Call("POST", "/api/models/", Scope.PUBLISH, _PUBLISH),
    Call("GET", f"{_MODEL}/", Scope.JOBS),
    Call("GET", f"{_MODEL}/proof/", Scope.JOBS),
    Call("GET", _WEIGHTS, Scope.JOBS),
    Call("PUT", _WEIGHTS, Scope.PUBLISH),
    Call("GET", "/api/models/{name}/pins/", Scope.JOBS),
    Call("POST", "/api/models/{name}/pin/", Scope.PUBLISH, _PIN),
    Call("POST", "/api/prediction_jobs/", Scope.JOBS, job_request(1), {"Idempotency-Key": "a key"}),
    Call("GET", f"{_JOB}/", Scope.JOBS),
    Call("GET", f"{_JOB}/failures/", Scope.JOBS),
    Call("GET", f"{_JOB}/results/", Scope.JOBS),
    Call("POST", f"{_JOB}/resources/", Scope.JOBS, _PAGE),
    Call("POST", "/api/resource_batches/claim/", Scope.WORK, _CLAIM),
    Call("POST", f"{_BATCH}/save_results/", Scope.WORK, None, _SAVE),
    Call("POST", f"{_BATCH}/release/", Scope.WORK, _RELEASE),
    Call("GET", f"{_BATCH}/results/", Scope.JOBS),
    Call("POST", f"{_BATCH}/fetched/", Scope.JOBS),
    Call("POST", "/api/workers/", Scope.OPERATE, _ENROL),
    Call("POST", f"{_WORKER}/heartbeat/", Scope.WORK, _BEAT),
    Call("GET", "/api/workers/", Scope.OPERATE),
    Call("GET", f"{_WORKER}/", Scope.OPERATE),
    *(Call("POST", f"/api/workers/{order}/", Scope.OPERATE) for order in _ORDERS),
    *(Call("POST", f"{_WORKER}/{order}/", Scope.OPERATE) for order in _ORDERS),
    Call("GET", "/api/queues/", Scope.OPERATE),
    Call("GET", "/api/blocked-models/", Scope.JOBS),
    Call("POST", f"{_JOB}/cancel/", Scope.JOBS),
    Call("POST", "/api/models/{name}/retire/", Scope.PUBLISH, {"version": "1", "retired": True}),
    Call("POST", f"{_WORKER}/revoke/", Scope.OPERATE),
)
"""Those that end what the others need come last."""
WITHOUT_BODY = frozenset({"GET"})


@dataclass
class Place:
    """A Manager with a job, a worker that holds a batch of it, and a caller for every scope."""

    manager: Manager
    machine: Machine
    lease: BatchLease
    callers: dict[Scope, dict[str, str]]

    async def call(self, call: Call, *, path: str | None = None, **how: Any) -> httpx.Response:
        """As the one who may, with ids that are there; enrolling spends a token of its own each time."""
        headers = {**self.callers[call.scope], **call.headers}
        if call.body is _ENROL:
            headers["Authorization"] = f"Bearer {await self.manager.enrolment()}"
        headers |= how.pop("headers", {})
        return await self.manager.http.request(call.method, path or self.path_of(call), headers=headers, **how)

    def path_of(self, call: Call) -> str:
        """With ids that are there."""
        return call.path.format(
            sha256=DETECTOR_SHA256,
            name="test-detector",
            job_id=self.lease.job_id,
            batch_id=self.lease.batch_id,
            worker_id=self.machine.id,
        )


@pytest.fixture
async def place(manager: Manager) -> Place:
    some = (Scope.JOBS, Scope.PUBLISH, Scope.OPERATE)
    callers = {scope: await manager.token(scope, name=scope.value) for scope in some}
    await manager.publish(model_entry(name="unpinned", sha256="f" * 64))
    await manager.execute(
        "update models set sha256 = null, entry = entry || '{\"sha256\": null}' where name = 'unpinned'"
    )
    await manager.planned(callers[Scope.JOBS], job_request(6, sealed=False))
    machine = await manager.worker()
    (lease,) = await machine.claim()
    return Place(manager, machine, lease, {**callers, Scope.WORK: machine.headers})


def told(answer: httpx.Response, what: str) -> httpx.Response:
    """A success, or a problem of a known type; never an error of ours."""
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == MEDIA_TYPE, what
        body = answer.json()
        assert body["type"] in REGISTRY, f"{what}: {body}"
        assert (body["status"], body["instance"]) == (answer.status_code, answer.headers["x-request-id"]), what
    return answer


def test_every_operation_is_called_here() -> None:
    known = {(method, route.path) for route in api_routes(create_app().routes) for method in route.methods or ()}
    assert {one for one in known if one[1].startswith("/api/")} == {(call.method, call.path) for call in CALLS}


async def test_any_body_is_answered(place: Place) -> None:
    for call in CALLS:
        for name, junk in JUNK.items() if call.method not in WITHOUT_BODY else ():
            for media_type in ("application/json", "text/plain"):
                answer = await place.call(call, content=junk, headers={"Content-Type": media_type})
                told(answer, f"{call}, {name} as {media_type}")


Way = tuple[str | int, ...]


def _ways(value: Any, way: Way = ()) -> Iterator[Way]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield (*way, key)
        yield from _ways(one, (*way, key))


def _with(body: Any, way: Way, change: Callable[[Any, Any], None]) -> Any:
    changed = holder = deepcopy(body)
    for key in way[:-1]:
        holder = holder[key]
    change(holder, way[-1])
    return changed


def wrong_bodies(body: Any) -> Iterator[tuple[str, Any]]:
    """The body with one thing in it missing, or wrong."""

    def put(value: Any) -> Callable[[Any, Any], None]:
        return lambda holder, key: holder.__setitem__(key, value)

    for way in _ways(body):
        yield f"{way} is missing", _with(body, way, lambda holder, key: holder.__delitem__(key))
        for wrong in WRONG:
            yield f"{way} is {str(wrong)[:40]!r}", _with(body, way, put(wrong))


async def test_any_field_may_be_wrong(place: Place) -> None:
    for call in CALLS:
        for what, body in wrong_bodies(call.body) if call.body else ():
            headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid7())}
            told(await place.call(call, content=json.dumps(body).encode(), headers=headers), f"{call}: {what}")
        for name in ("/api/workers/", "/api/queues/", "/metrics"):  # and what was taken of it can still be shown
            shown = await place.manager.http.get(name, headers=place.callers[Scope.OPERATE])
            assert shown.status_code == 200, f"{name} after {call}: {shown.text[:300]}"
        job = await place.manager.http.get(
            f"/api/prediction_jobs/{place.lease.job_id}/", headers=place.callers[Scope.JOBS]
        )
        assert job.status_code == 200, f"the job after {call}: {job.text[:300]}"
    assert await place.manager.broken() == {}


async def test_what_a_request_says_beyond_its_type_is_refused_by_name(place: Place) -> None:
    for call in CALLS:
        if call.body is not None:
            answer = await place.call(call, json={**call.body, "surprise": 1})
            assert (answer.status_code, answer.json()["type"]) == (422, "invalid"), str(call)
            assert "surprise" in answer.json()["detail"], str(call)


async def test_any_id_may_be_wrong(place: Place) -> None:
    for call in CALLS:
        names = [part for part in call.path.split("/") if part.startswith("{")]
        for odd in ODD if names else ():
            path = call.path.replace(names[0], odd)
            answer = told(await place.call(call, path=path, json=call.body), f"{call}: {path}")
            assert answer.status_code >= 400 or "name" in call.path, path


async def test_any_query_and_any_header_may_be_wrong(place: Place) -> None:
    for call in CALLS:
        for name, values in QUERIES.items() if call.method == "GET" else ():
            for value in values:
                told(await place.call(call, params={name: value}), f"{call}: {name}={value[:40]!r}")
        for name, values in HEADERS.items():
            for value in values:
                sent: dict[str, Any] = (
                    {"json": call.body} if call.body else {"content": b"x"} if call.method == "PUT" else {}
                )
                answer = await place.call(call, headers={name: value.encode("latin-1")}, **sent)
                told(answer, f"{call}: {name}: {value[:40]!r}")


async def test_each_answers_with_and_without_the_last_slash(place: Place) -> None:
    for call in CALLS:
        path = place.path_of(call)
        bare, slashed = path.rstrip("/"), f"{path.rstrip('/')}/"
        nobody = {"Authorization": "Bearer nobody"}
        answers = [await place.call(call, path=one, json=call.body, headers=nobody) for one in (bare, slashed)]
        assert [answer.status_code for answer in answers] == [401, 401], path
        assert [answer.json()["type"] for answer in answers] in (["unauthenticated"] * 2, ["enrolment-refused"] * 2)


async def test_a_worker_that_was_sent_away_is_nobody_at_every_door(place: Place) -> None:
    path = f"/api/workers/{place.machine.id}/revoke/"
    assert (await place.manager.http.post(path, headers=place.callers[Scope.OPERATE])).status_code == 204
    for call in CALLS:
        answer = await place.call(call, json=call.body, headers=place.machine.headers)
        assert answer.status_code == 401, str(call)


async def test_everything_twice_at_the_same_moment(place: Place) -> None:
    blob = results_of(place.lease, place.machine.id).to_blob()
    for call in CALLS:
        sent: dict[str, Any] = (
            {"content": blob} if call.path.endswith("save_results/") else {"json": call.body} if call.body else {}
        )
        answers = await asyncio.gather(*(place.call(call, **sent) for _ in range(3)))
        for answer in answers:
            told(answer, str(call))
    assert await place.manager.broken() == {}


async def test_every_call_in_an_unknown_protocol_is_refused_as_such(place: Place) -> None:
    for call in CALLS:
        body = b"{" if call.method not in WITHOUT_BODY else b""
        answer = await place.call(call, content=body, headers={HEADER: str(PROTOCOL + 1)})
        assert answer.status_code in {400, 401, 404}, f"{call}: {answer.status_code}"


async def test_a_database_that_is_away_is_said_in_the_same_words_as_everything_else(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ConnectionError("nobody answers")

    monkeypatch.setattr(place.manager.work, "db", away)
    answer = await place.manager.http.get("/api/models/", headers={**place.callers[Scope.JOBS], HEADER: "1"})
    assert (answer.status_code, answer.json()["type"]) == (503, "unavailable")
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    assert {"retry-after"} <= set(answer.headers)
