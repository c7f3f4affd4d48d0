"""A hundred thousand resources, as one call or as pages: taken in pieces, cut little by little, the same each time."""

import json
from typing import Any
from uuid import UUID

import zstandard

from ai_manager.jobs.plan import plan_job
from tests.support.make.ai_manager import Manager, in_pieces, job_request, resource

PAGE = 25_000


def _resources(first: int, count: int) -> str:
    """References whose ids sort by their number."""
    one = resource(0)
    template = json.dumps(one)
    return ",".join(
        template.replace(one["id"], f"01890000-0000-7000-8000-{number:012x}") for number in range(first, first + count)
    )


def _body(head: dict[str, Any], first: int, count: int) -> bytes:
    return json.dumps(head).replace('"resources": []', f'"resources": [{_resources(first, count)}]').encode()


async def test_pages_make_one_job_that_is_sealed_by_the_last(manager: Manager, expert: dict[str, str]) -> None:
    submitted = await manager.http.post(
        "/api/prediction_jobs/",
        content=in_pieces(zstandard.compress(_body(job_request(0, sealed=False), 0, PAGE)), 65536),
        headers={**expert, "Idempotency-Key": "pages", "Content-Encoding": "zstd"},
        timeout=120,
    )
    assert submitted.status_code == 201, submitted.text
    job_id = UUID(submitted.json()["id"])
    replies: list[dict[str, Any]] = []
    for number in range(1, 4):
        head = {"page": number, "resources": [], "sealed": number == 3}
        answer = await manager.http.post(
            f"/api/prediction_jobs/{job_id}/resources/",
            content=in_pieces(_body(head, number * PAGE, PAGE), 65536),
            headers=expert,
            timeout=120,
        )
        assert answer.status_code == 200, answer.text
        replies.append(answer.json())
    assert [(reply["sealed"], reply["counts"]["total"]) for reply in replies] == [
        (False, 2 * PAGE),
        (False, 3 * PAGE),
        (True, 4 * PAGE),
    ]
    assert await plan_job(manager.work, job_id) == 8, "not all of it at once"
    assert await manager.broken() == {}
    cancelled = await manager.http.post(f"/api/prediction_jobs/{job_id}/cancel/", headers=expert)
    assert cancelled.json()["counts"]["cancelled"] == 4 * PAGE
    assert await manager.rows("select count(*) as n from resource_chunks") == [{"n": 0}]
    assert await manager.broken() == {}


async def test_the_same_large_body_again_is_the_same_job_however_it_arrives(
    manager: Manager, expert: dict[str, str]
) -> None:
    body = _body(job_request(0), 0, PAGE)
    answers = [
        await manager.http.post(
            "/api/prediction_jobs/",
            content=in_pieces(content, size),
            headers={**expert, "Idempotency-Key": "large", **encoding},
            timeout=120,
        )
        for content, size, encoding in (
            (body, 65536, {}),
            (zstandard.compress(body, 1), 10_000, {"Content-Encoding": "zstd"}),
            (zstandard.compress(body, 9), 100_000, {"Content-Encoding": "zstd"}),
        )
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = await manager.http.post(
        "/api/prediction_jobs/",
        content=in_pieces(_body(job_request(0), 1, PAGE), 65536),
        headers={**expert, "Idempotency-Key": "large"},
        timeout=120,
    )
    assert (other.status_code, other.json()["type"]) == (422, "idempotency-key-reused")
