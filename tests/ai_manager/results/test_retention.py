"""What is kept for how long: blobs, rows, and bytes that no row names."""

from datetime import timedelta

import pytest

from ai_manager.blob_store import results_key
from ai_manager.jobs.tasks import compact_due
from ai_manager.results.delete_blobs import delete_blobs
from ai_manager.results.find_lost import lost_blobs
from ai_manager.results.reduce import reduce_jobs
from ai_manager.results.sweep_orphans import sweep_orphans
from tests.support.make.ai_manager import IN_EITHER, IN_STORE, Machine, Manager, job_request, put_results, results_of
from trapper_schemas.v1.batches import BatchLease


class Later:
    """Moves the Manager's clock; the database's stays."""

    def __init__(self, manager: Manager, patch: pytest.MonkeyPatch) -> None:
        self.manager, self.patch = manager, patch
        self._now = manager.work.clock.now

    def days(self, days: float) -> None:
        """So many days from now."""
        self.patch.setattr(self.manager.work.clock, "now", lambda: self._now() + timedelta(days=days))


@pytest.fixture
def later(manager: Manager, monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(manager, monkeypatch)


async def _finished(manager: Manager, expert: dict[str, str]) -> tuple[Machine, BatchLease]:
    job_id = await manager.planned(expert, job_request(3))
    machine = await manager.worker()
    (lease,) = await machine.claim()
    assert (await machine.finish(lease)).status_code == 200
    await manager.job(expert, job_id)
    await compact_due(manager.work)
    return machine, lease


async def _fetched(manager: Manager, expert: dict[str, str], lease: BatchLease) -> int:
    path = f"/api/resource_batches/{lease.batch_id}/fetched/"
    return (await manager.http.post(path, headers=expert)).status_code


async def _blob(manager: Manager, expert: dict[str, str], lease: BatchLease) -> int:
    path = f"/api/resource_batches/{lease.batch_id}/results/"
    return (await manager.http.get(path, headers=expert)).status_code


@IN_EITHER
async def test_a_blob_is_forgotten_a_week_after_it_was_fetched_and_not_before(
    manager: Manager, expert: dict[str, str], later: Later
) -> None:
    machine, lease = await _finished(manager, expert)
    later.days(100)
    assert await delete_blobs(manager.work) == 0, "nobody has it yet"
    later.days(0)
    assert await _fetched(manager, expert, lease) == 204
    later.days(6.9)
    assert await delete_blobs(manager.work) == 0
    assert await _blob(manager, expert, lease) == 200
    later.days(7.1)
    assert await delete_blobs(manager.work) == 1
    assert await delete_blobs(manager.work) == 0
    assert await _blob(manager, expert, lease) == 404
    assert await manager.rows("select sha256 from saved_results where blob is not null") == []
    assert [page async for page in manager.work.blobs.list_older("results", manager.work.clock.now())] == []
    kept = await manager.http.get(
        f"/api/prediction_jobs/{lease.job_id}/results/", params={"include": "acknowledged"}, headers=expert
    )
    assert kept.json()["items"] == []
    assert await _fetched(manager, expert, lease) == 204, "saying it again changes nothing"
    assert (await machine.finish(lease)).json()["duplicate"] is True
    assert await manager.broken() == {}


@IN_STORE
async def test_a_blob_that_another_batch_names_stays(manager: Manager, expert: dict[str, str], later: Later) -> None:
    _, lease = await _finished(manager, expert)
    _, other = await _finished(manager, expert)
    rows = await manager.rows("select sha256 from saved_results where batch_id = :b", b=lease.batch_id)
    await manager.execute(
        "update saved_results set sha256 = :s where batch_id = :b", s=rows[0]["sha256"], b=other.batch_id
    )
    await _fetched(manager, expert, lease)
    later.days(8)
    assert await delete_blobs(manager.work) == 1
    assert await manager.work.blobs.size(results_key(rows[0]["sha256"])) is not None
    later.days(0)
    await _fetched(manager, expert, other)
    later.days(8)
    assert await delete_blobs(manager.work) == 1
    assert await manager.work.blobs.size(results_key(rows[0]["sha256"])) is None


@IN_EITHER
async def test_a_job_is_reduced_to_its_row_a_month_after_the_last_result_was_fetched(
    manager: Manager, expert: dict[str, str], later: Later
) -> None:
    machine, lease = await _finished(manager, expert)
    later.days(365)
    assert await reduce_jobs(manager.work) == 0, "nobody has its result yet"
    later.days(0)
    await _fetched(manager, expert, lease)
    later.days(29)
    assert await reduce_jobs(manager.work) == 0
    later.days(31)
    assert await reduce_jobs(manager.work) == 1
    assert await reduce_jobs(manager.work) == 0
    for table in ("batches", "finished_batches", "saved_results", "resource_failures", "terms", "resource_chunks"):
        assert await manager.rows(f"select count(*) as n from {table}") == [{"n": 0}], table  # noqa: S608 - constants
    assert [page async for page in manager.work.blobs.list_older("results", manager.work.clock.now())] == []
    answer = await manager.http.get(f"/api/prediction_jobs/{lease.job_id}/", headers=expert)
    assert (answer.json()["state"], answer.json()["counts"]["blank"]) == ("finished", 3)
    later.days(0)
    assert (await machine.finish(lease)).json()["type"] == "batch-not-found"
    assert await manager.broken() == {}


async def test_a_cancelled_job_without_results_is_reduced_too(
    manager: Manager, expert: dict[str, str], later: Later
) -> None:
    job_id = await manager.planned(expert, job_request(3))
    await manager.http.post(f"/api/prediction_jobs/{job_id}/cancel/", headers=expert)
    await compact_due(manager.work)
    later.days(31)
    assert await reduce_jobs(manager.work) == 1
    assert await manager.broken() == {}


@IN_STORE
async def test_bytes_that_no_row_names_go_once_nobody_can_bring_them_again(
    manager: Manager, expert: dict[str, str], later: Later
) -> None:
    await manager.planned(expert, job_request(6))
    machine = await manager.worker()
    lost, kept = await machine.claim(limit=2)
    orphan = await put_results(manager.work, results_of(lost, machine.id).to_blob())
    await machine.finish(kept)
    assert await sweep_orphans(manager.work) == 0, "too young"
    later.days(2)
    assert await sweep_orphans(manager.work) == 0, "its batch is leased: these very bytes may come again"
    later.days(0)
    await machine.release(lost, "draining")
    later.days(2)
    assert await sweep_orphans(manager.work) == 1
    assert await manager.work.blobs.size(results_key(orphan)) is None
    assert await lost_blobs(manager.work) == [], "what a row names stayed"
    unreadable = await put_results(manager.work, b"of a version to come")
    assert await sweep_orphans(manager.work) == 0
    assert await manager.work.blobs.size(results_key(unreadable)) is not None


@IN_STORE
async def test_a_process_that_dies_while_it_forgets_leaves_bytes_that_are_swept(
    manager: Manager, expert: dict[str, str], later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, lease = await _finished(manager, expert)
    (row,) = await manager.rows("select sha256 from saved_results")
    await _fetched(manager, expert, lease)
    delete = manager.work.blobs.delete

    async def die(*_: object) -> None:
        raise RuntimeError("killed here")

    later.days(8)
    monkeypatch.setattr(manager.work.blobs, "delete", die)
    with pytest.raises(RuntimeError):
        await delete_blobs(manager.work)
    monkeypatch.setattr(manager.work.blobs, "delete", delete)
    assert await _blob(manager, expert, lease) == 404
    assert await manager.work.blobs.size(results_key(row["sha256"])) is not None
    assert await delete_blobs(manager.work) == 0
    assert await sweep_orphans(manager.work) == 1
    assert await manager.work.blobs.size(results_key(row["sha256"])) is None


@IN_STORE
async def test_a_blob_that_is_gone_before_it_was_fetched_is_found(manager: Manager, expert: dict[str, str]) -> None:
    _, lease = await _finished(manager, expert)
    assert await lost_blobs(manager.work) == []
    (row,) = await manager.rows("select sha256 from saved_results")
    await manager.work.blobs.delete(results_key(row["sha256"]))
    assert await lost_blobs(manager.work) == [str(lease.batch_id)]
