"""Submitting: once per key, streamed, in pages; refused with a sentence that says what to do."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import zstandard

from ai_manager.access.state import Scope
from tests.support.make.ai_manager import (
    Manager,
    in_pieces,
    job_request,
    manager_settings,
    model_entry,
    opened_manager,
    resource,
    species_entry,
    stage,
)


async def test_the_same_key_and_body_is_the_same_job(manager: Manager, expert: dict[str, str]) -> None:
    body = job_request(3)
    first = await manager.submit(expert, body, key="k1")
    again = await manager.submit(expert, dict(reversed(body.items())), key="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["state"] == "accepted"
    assert first.json()["counts"]["total"] == 3
    other = await manager.submit(expert, job_request(3), key="k1")
    assert (other.status_code, other.json()["type"]) == (422, "idempotency-key-reused")
    stranger = await manager.token(Scope.JOBS, name="another expert")
    assert (await manager.submit(stranger, body, key="k1")).status_code == 201


async def test_the_same_submission_many_times_at_once_is_one_job(manager: Manager, expert: dict[str, str]) -> None:
    body = job_request(3)
    answers = await asyncio.gather(*(manager.submit(expert, body, key="k") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await manager.rows("select count(*) as n, sum(size) as s from resource_chunks") == [{"n": 1, "s": 3}]


async def test_a_new_token_of_the_same_name_is_the_same_caller(manager: Manager, expert: dict[str, str]) -> None:
    job_id = (await manager.submit(expert)).json()["id"]
    renewed = await manager.token(Scope.JOBS)
    assert (await manager.http.get(f"/api/prediction_jobs/{job_id}/", headers=renewed)).status_code == 200


async def test_a_hundred_thousand_resources_come_in_one_compressed_stream(
    manager: Manager, expert: dict[str, str]
) -> None:
    some = [resource(number) for number in range(500)]
    template = json.dumps(some[0])
    items = ",".join(
        template.replace(some[0]["id"], f"0189{number:08x}"[:8] + f"-0000-7000-8000-{number:012x}")
        for number in range(100_000)
    )
    body = json.dumps(job_request(0)).replace('"resources": []', f'"resources": [{items}]').encode()
    packed = zstandard.ZstdCompressor().compress(body)
    answer = await manager.http.post(
        "/api/prediction_jobs/",
        content=in_pieces(packed, 65536),
        headers={**expert, "Idempotency-Key": "large", "Content-Encoding": "zstd"},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["counts"]["total"] == 100_000
    chunks = await manager.rows("select count(*) as n, sum(size) as s, max(size) as m from resource_chunks")
    assert chunks == [{"n": 100, "s": 100_000, "m": 1000}]
    assert await manager.broken() == {}


async def test_pages_are_appended_in_order_and_the_last_one_seals(manager: Manager, expert: dict[str, str]) -> None:
    job_id = (await manager.submit(expert, job_request(2, sealed=False))).json()["id"]
    path = f"/api/prediction_jobs/{job_id}/resources/"

    def page(number: int, *, sealed: bool = False) -> dict[str, Any]:
        return {"page": number, "resources": [resource(number)], "sealed": sealed}

    first = page(1)
    for _ in range(2):
        answer = await manager.http.post(path, json=first, headers=expert)
        assert (answer.status_code, answer.json()["counts"]["total"]) == (200, 3)
    skipped = await manager.http.post(path, json=page(3), headers=expert)
    assert (skipped.status_code, skipped.json()["type"], skipped.json()["expected"]) == (409, "page-out-of-turn", 2)
    changed = await manager.http.post(path, json=page(1), headers=expert)
    assert (changed.status_code, changed.json()["type"]) == (422, "idempotency-key-reused")
    last = page(2, sealed=True)
    assert (await manager.http.post(path, json=last, headers=expert)).json()["sealed"] is True
    assert (await manager.http.post(path, json=last, headers=expert)).status_code == 200
    too_late = await manager.http.post(path, json=page(3), headers=expert)
    assert (too_late.status_code, too_late.json()["type"]) == (409, "job-sealed")
    assert await manager.broken() == {}


async def test_a_resource_comes_on_one_page_of_a_job(manager: Manager, expert: dict[str, str]) -> None:
    first, second, third = resource(1), resource(2), resource(3)
    body = job_request(0, resources=[first], sealed=False)
    job_id = (await manager.submit(expert, body)).json()["id"]
    path = f"/api/prediction_jobs/{job_id}/resources/"

    async def append(page: int, *resources: dict[str, Any], sealed: bool = False) -> Any:
        sent = {"page": page, "resources": list(resources), "sealed": sealed}
        return await manager.http.post(path, json=sent, headers=expert)

    for sealed in (False, True):
        twice = await append(1, second, first, sealed=sealed)
        assert (twice.status_code, twice.json()["type"]) == (422, "invalid")
        assert twice.json()["errors"][0]["loc"] == ["body", "resources", 1, "id"]
        assert f"resource {first['id']} came on an earlier page" in twice.json()["detail"]
    assert (await append(1, second)).json()["counts"]["total"] == 2
    assert (await append(2, second)).status_code == 422
    assert (await append(2, third, sealed=True)).json()["counts"]["total"] == 3
    assert await manager.rows("select * from unsealed_resources") == []
    assert (await manager.submit(expert, body, key="another job")).status_code == 201
    assert await manager.broken() == {}


BAD_BODIES = {
    "empty": (b"", 400, "malformed"),
    "text": (b"hello", 400, "malformed"),
    "cut off": (json.dumps(job_request(2)).encode()[:-3], 400, "malformed"),
    "two objects": (json.dumps(job_request(1)).encode() * 2, 400, "malformed"),
    "a list": (b"[]", 400, "malformed"),
    "not utf-8": (b'{"stages": "\xff\xfe"}', 400, "malformed"),
    "endless nesting": (b'{"stages": ' + b"[" * 200_000, 400, "malformed"),
    "resources twice": (b'{"resources": [], "resources": []}', 400, "malformed"),
    "no stages": (b'{"resources": []}', 422, "invalid"),
    "a resource without address": (b'{"resources": [{"id": "x"}]}', 422, "invalid"),
    "an unknown field": (json.dumps({**job_request(1), "surprise": 1}).encode(), 422, "invalid"),
    "an address with a query": (
        json.dumps(job_request(0, resources=[resource(url="https://x.org/a?token=1")])).encode(),
        422,
        "invalid",
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
async def test_what_is_not_a_job_is_refused_and_nothing_is_kept(
    manager: Manager, expert: dict[str, str], name: str
) -> None:
    body, status, kind = BAD_BODIES[name]
    answer = await manager.http.post(
        "/api/prediction_jobs/", content=in_pieces(body, 7000), headers={**expert, "Idempotency-Key": "k"}
    )
    assert (answer.status_code, answer.json()["type"]) == (status, kind), answer.text
    assert await manager.rows("select * from jobs") == []


async def test_a_text_that_no_database_takes_is_refused(manager: Manager, expert: dict[str, str]) -> None:
    for field in ("project", "media_grant", "notification_queue"):
        answer = await manager.submit(expert, job_request(1, **{field: "a\x00b"}))
        assert (answer.status_code, answer.json()["type"]) == (422, "invalid"), field
        assert "NUL" in answer.json()["detail"]
    assert await manager.rows("select * from jobs") == []


async def test_the_same_resource_twice_is_named(manager: Manager, expert: dict[str, str]) -> None:
    twice = resource()
    answer = await manager.submit(expert, job_request(0, resources=[resource(), twice, twice]))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "resources", 2, "id"]


async def test_a_compressed_body_is_one_whole_frame(manager: Manager, expert: dict[str, str]) -> None:
    frame = zstandard.ZstdCompressor(write_checksum=True).compress(json.dumps(job_request(1)).encode())
    headers = {**expert, "Idempotency-Key": "k", "Content-Encoding": "zstd"}
    for body in (b"", frame[:-1], frame[: len(frame) // 2], frame + b"more", frame + frame, b"x" * 1000 + frame):
        answer = await manager.http.post("/api/prediction_jobs/", content=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (400, "malformed"), body[:20]
        assert "zstd frame" in answer.json()["detail"]
    assert await manager.rows("select * from jobs") == []
    assert (await manager.http.post("/api/prediction_jobs/", content=frame, headers=headers)).status_code == 201


async def test_a_zstd_bomb_is_refused_before_it_unfolds(manager: Manager, expert: dict[str, str]) -> None:
    bomb = zstandard.ZstdCompressor().compress(b" " * 300_000_000)
    headers = {**expert, "Idempotency-Key": "k", "Content-Encoding": "zstd"}
    answer = await manager.http.post("/api/prediction_jobs/", content=bomb, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "malformed")


@pytest.mark.parametrize("packed", [False, True])
async def test_a_page_that_is_too_long_is_413(ai_manager_database_url: str, tmp_path: Path, packed: bool) -> None:
    settings = manager_settings(ai_manager_database_url, tmp_path, submission_limit_bytes=20_000)
    async with opened_manager(settings) as manager:
        await manager.publish()
        body = json.dumps(job_request(100)).encode()
        headers = {**await manager.token(Scope.JOBS), "Idempotency-Key": "k"}
        if packed:
            body = zstandard.ZstdCompressor().compress(body)
            headers["Content-Encoding"] = "zstd"
        answer = await manager.http.post("/api/prediction_jobs/", content=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (413, "too-large")


async def test_a_model_that_cannot_run_is_refused_with_what_to_do(manager: Manager, expert: dict[str, str]) -> None:
    await manager.publish(
        model_entry(name="to-convert", sha256="1" * 64, availability="convert"),
        model_entry(name="to-install", sha256="2" * 64, sources=[{"file_name": "x.onnx"}]),
        species_entry(),
    )

    async def refused(*stages: dict[str, Any]) -> tuple[int, str, str]:
        answer = await manager.submit(expert, job_request(1, stages=list(stages)))
        return answer.status_code, answer.json()["type"], answer.json().get("detail", "")

    def by(name: str, sha256: str, kind: str = "detection") -> dict[str, Any]:
        return stage(kind=kind, model={"name": name, "version": "1", "sha256": sha256})

    assert (await refused(by("nobody", "9" * 64)))[:2] == (422, "unknown-model")
    assert (await refused(by("wrong-name", stage()["model"]["sha256"])))[:2] == (422, "unknown-model")
    status, kind, detail = await refused(by("to-convert", "1" * 64))
    assert (status, kind) == (422, "model-not-ready")
    assert "trapper models install to-convert --file" in detail
    status, kind, detail = await refused(by("to-install", "2" * 64))
    assert (status, kind) == (422, "model-not-ready")
    assert "trapper models install to-install" in detail
    assert (await refused(by("test-species", "b" * 64, "classification")))[:2] == (422, "invalid")
    assert (await refused(by("test-species", "b" * 64)))[:2] == (422, "unknown-model")
    assert (await refused(stage(), stage()))[:2] == (422, "invalid")


async def test_a_job_of_nothing_is_finished_at_once(manager: Manager, expert: dict[str, str]) -> None:
    job_id = UUID((await manager.submit(expert, job_request(0))).json()["id"])
    job = await manager.job(expert, job_id)
    assert (job.state.value, job.progress) == ("finished", 1.0)
