"""Bringing results: once, by the holder, true to the batch; anything else is refused and the batch stays leased."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import msgpack
import pytest
import zstandard

from ai_manager.access.state import Scope
from ai_manager.blob_store import results_key
from tests.support.make.ai_manager import (
    IN_EITHER,
    IN_STORE,
    Machine,
    Manager,
    job_request,
    manager_settings,
    opened_manager,
    results_of,
    stage,
)
from tests.support.make.results import column, failed, seen, stage_run
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.batches import BatchLease
from trapper_schemas.v1.jobs import JobState
from trapper_schemas.v1.models import ModelRef


@IN_EITHER
async def test_a_batch_is_counted_listed_fetched_and_acknowledged(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert, job_request(3))
    machine = await manager.worker()
    (lease,) = await machine.claim()
    mixed = results_of(lease, machine.id, found=[0], outcomes=(seen(), seen(), failed()))
    saved = await machine.save(lease, mixed.to_blob())
    assert (saved.status_code, saved.json()["duplicate"]) == (200, False)
    job = await manager.job(expert, job_id)
    assert (job.state, job.progress, job.unacknowledged) == (JobState.PARTIAL, 1.0, 1)
    assert (job.counts.done, job.counts.blank, job.counts.failed) == (1, 1, 1)
    listed = (await manager.http.get(f"/api/prediction_jobs/{job_id}/results/", headers=expert)).json()["items"]
    assert [item["batch_id"] for item in listed] == [str(lease.batch_id)]
    path = f"/api/resource_batches/{lease.batch_id}"
    blob = await manager.http.get(f"{path}/results/", headers=expert)
    assert blob.content == mixed.to_blob()
    assert hashlib.sha256(blob.content).hexdigest() == listed[0]["sha256"] == blob.headers["Content-Sha256"]
    for _ in range(2):
        assert (await manager.http.post(f"{path}/fetched/", headers=expert)).status_code == 204
    listing = f"/api/prediction_jobs/{job_id}/results/"
    assert (await manager.http.get(listing, headers=expert)).json()["items"] == []
    kept = await manager.http.get(listing, params={"include": "acknowledged"}, headers=expert)
    assert len(kept.json()["items"]) == 1
    assert (await manager.job(expert, job_id)).unacknowledged == 0
    (row,) = await manager.rows("select blob from saved_results")
    stored = await manager.work.blobs.size(results_key(listed[0]["sha256"]))
    if manager.work.settings.results_in_rows_bytes:
        assert (row["blob"], stored) == (blob.content, None)
    else:
        assert (row["blob"], stored) == (None, len(blob.content))
    assert await manager.broken() == {}


async def test_the_very_same_bytes_again_are_a_duplicate_also_at_the_same_moment(
    manager: Manager, expert: dict[str, str]
) -> None:
    job_id = await manager.planned(expert)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    answers = await asyncio.gather(*(machine.finish(lease, found=[1]) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4
    assert sorted(answer.json()["duplicate"] for answer in answers) == [False, True, True, True]
    other = await machine.finish(lease, found=[2])
    assert (other.status_code, other.json()["type"]) == (409, "lease-lost")
    job = await manager.job(expert, job_id)
    assert (job.counts.done, job.counts.blank) == (1, 2)


async def test_below_the_jobs_threshold_and_without_meaning_is_blank(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert, job_request(3, stages=[stage(threshold=0.5)]))
    machine = await manager.worker()
    (lease,) = await machine.claim()
    scores, labels = column("<u2", [32768, 32767, 60000]), column("<u2", [0, 0, 2])
    assert (await machine.finish(lease, found=[0, 1, 2], score=scores, label=labels)).status_code == 200
    job = await manager.job(expert, job_id)
    assert (job.counts.done, job.counts.blank) == (1, 2)


async def test_a_damaged_picture_without_detections_is_not_blank(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert, job_request(3))
    machine = await manager.worker()
    (lease,) = await machine.claim()
    mixed = results_of(lease, machine.id, found=[0], outcomes=(seen(damaged=True), seen(damaged=True), seen()))
    assert (await machine.save(lease, mixed.to_blob())).status_code == 200
    job = await manager.job(expert, job_id)
    assert (job.counts.done, job.counts.blank, job.counts.failed) == (2, 1, 0)
    assert await manager.broken() == {}


def _recompressed(blob: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    document = msgpack.unpackb(zstandard.ZstdDecompressor().decompress(blob), raw=False)
    change(document)
    return zstandard.ZstdCompressor().compress(msgpack.packb(document, use_bin_type=True))


def _bomb() -> bytes:
    return zstandard.ZstdCompressor().compress(bytes(600 * 1024 * 1024))


def _true(lease: BatchLease, machine: Machine, **changes: Any) -> bytes:
    return results_of(lease, machine.id, **{"found": [0], **changes}).to_blob()


OTHER_MODEL = ModelRef(name="x", version="1", sha256="f" * 64)
BAD: dict[str, tuple[str, Callable[[BatchLease, Machine], bytes]]] = {
    "empty": ("not-zstd", lambda _lease, _machine: b""),
    "text": ("not-zstd", lambda _lease, _machine: b"this is not a blob"),
    "truncated": ("damaged", lambda lease, machine: _true(lease, machine)[:-5]),
    "trailing bytes": ("damaged", lambda lease, machine: _true(lease, machine) + b"more"),
    "bomb": ("too-large", lambda _lease, _machine: _bomb()),
    "unknown version": (
        "unknown-version",
        lambda lease, machine: _recompressed(_true(lease, machine), lambda d: d.update(schema_version=99)),
    ),
    "other batch": ("other-batch", lambda lease, machine: _true(lease, machine, batch_id=uuid7())),
    "earlier attempt": ("other-batch", lambda lease, machine: _true(lease, machine, attempt=lease.attempt + 1)),
    "other worker": ("worker", lambda lease, _machine: results_of(lease, uuid7()).to_blob()),
    "other model": ("model", lambda lease, machine: _true(lease, machine, stages=(stage_run(model=OTHER_MODEL),))),
    "box outside": (
        "box", lambda lease, machine: _true(lease, machine, box=column("<u2", [60000, 0, 20000, 10], 4))
    ),
    "label outside": ("label", lambda lease, machine: _true(lease, machine, label=column("<u2", [3]))),
    "missing outcome": ("outcomes", lambda lease, machine: _true(lease, machine, state=column("<u1", [0]))),
    "other files": (
        "media", lambda lease, machine: replace(results_of(lease, machine.id), media_digest="0" * 64).to_blob()
    ),
    "a lying column": (
        "form",
        lambda lease, machine: _recompressed(
            _true(lease, machine), lambda d: d["columns"].update(box=["<u2", [9, 4], 1])
        ),
    ),
}  # fmt: skip


async def test_what_breaks_a_rule_is_refused_with_its_reason_and_the_batch_stays_leased(
    manager: Manager, expert: dict[str, str]
) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    for name, (reason, make) in BAD.items():
        refused = await machine.save(lease, make(lease, machine))
        body = refused.json()
        assert (name, refused.status_code, body["type"], body.get("reason")) == (name, 422, "blob-refused", reason)
    wrong = await machine.save(lease, _true(lease, machine), sha256="0" * 64)
    assert (wrong.status_code, wrong.json()["reason"]) == (422, "hash")
    assert await manager.rows("select state, attempt from batches") == [{"state": "leased", "attempt": 1}]
    assert await manager.rows("select * from saved_results") == []
    assert (await machine.finish(lease)).status_code == 200


async def test_an_oversized_blob_is_413_and_the_batch_stays_leased(
    ai_manager_database_url: str, tmp_path: Path
) -> None:
    settings = manager_settings(ai_manager_database_url, tmp_path, results_limit_bytes=2000)
    async with opened_manager(settings) as manager:
        await manager.publish()
        await manager.planned(await manager.token(Scope.JOBS))
        machine = await manager.worker()
        (lease,) = await machine.claim()
        refused = await machine.save(lease, b"x" * 2001)
        assert (refused.status_code, refused.json()["type"]) == (413, "too-large")
        assert (await machine.finish(lease)).status_code == 200


async def test_results_of_an_unknown_batch_are_404(manager: Manager, expert: dict[str, str]) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    unknown = await machine.finish(lease.model_copy(update={"batch_id": UUID(int=5)}))
    assert (unknown.status_code, unknown.json()["type"]) == (404, "batch-not-found")


async def test_another_callers_results_are_not_there(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    await machine.finish(lease)
    stranger = await manager.token(Scope.JOBS, name="another expert")
    for method, path in (
        ("GET", f"/api/prediction_jobs/{job_id}/"),
        ("GET", f"/api/prediction_jobs/{job_id}/results/"),
        ("GET", f"/api/prediction_jobs/{job_id}/failures/"),
        ("POST", f"/api/prediction_jobs/{job_id}/cancel/"),
        ("GET", f"/api/resource_batches/{lease.batch_id}/results/"),
        ("POST", f"/api/resource_batches/{lease.batch_id}/fetched/"),
    ):
        assert (await manager.http.request(method, path, headers=stranger)).status_code == 404, path


@IN_STORE
async def test_a_process_that_dies_between_blob_and_row_leaves_the_batch_to_be_brought_again(
    manager: Manager, expert: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = await manager.planned(expert)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    put = manager.work.blobs.put

    async def put_and_die(*arguments: Any) -> None:
        await put(*arguments)
        raise RuntimeError("killed here")

    monkeypatch.setattr(manager.work.blobs, "put", put_and_die)
    assert (await machine.finish(lease)).status_code == 500
    monkeypatch.setattr(manager.work.blobs, "put", put)
    assert (await machine.finish(lease)).json()["duplicate"] is False
    assert (await manager.job(expert, job_id)).state is JobState.FINISHED
    assert await manager.broken() == {}


async def test_failed_resources_come_page_by_page(manager: Manager, expert: dict[str, str]) -> None:
    job_id = await manager.planned(expert, job_request(6))
    machine = await manager.worker()
    for lease in await machine.claim(limit=2):
        assert (await machine.finish(lease, outcomes=tuple(failed() for _ in lease.resources))).status_code == 200
    path, cursor, found = f"/api/prediction_jobs/{job_id}/failures/", None, list[str]()
    for _ in range(3):
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await manager.http.get(path, params=params, headers=expert)).json()
        found += [item["resource_id"] for item in page["items"]]
        assert {item["code"] for item in page["items"]} == {"undecodable"}
        cursor = page["next_cursor"]
    assert cursor is None
    assert len(found) == 6
    assert found == sorted(set(found))
