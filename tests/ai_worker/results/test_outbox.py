"""The outbox: bytes before rows, nothing half written, nothing forgotten while the Manager is away."""

import hashlib

import pytest

from ai_worker.base import DiskFull
from ai_worker.batches.models import Run
from ai_worker.batches.recover import recover_runs
from ai_worker.batches.settle import settle_runs
from ai_worker.leases.runs import RunState
from ai_worker.results import queries
from ai_worker.results.deliver import deliver_results
from ai_worker.results.keep import note_kept, spool_file, write_down
from ai_worker.results.state import KeptState
from tests.support.make.ai_worker import open_worker
from trapper_schemas.ids import uuid7


@pytest.fixture
async def work(tmp_path):
    async with open_worker(tmp_path) as one:
        yield one


async def keep(work, blob=b"results"):
    run = Run(
        id=uuid7(), batch_id=uuid7(), job_id=uuid7(), attempt=1, total=1, state=RunState.KEPT, lease={"token": "t"}
    )
    await write_down(work, run.id, blob)
    async with work.db() as db:
        db.add(run)
        await db.flush()
        note_kept(db, run_id=run.id, batch_id=run.batch_id, attempt=1, token="t", blob=blob)
    return run


async def test_what_is_kept_can_be_read_back_and_is_named_by_its_hash(work):
    run = await keep(work, b"the bytes")
    async with work.db() as db:
        (kept,) = await queries.waiting(db, limit=10)
    assert kept.sha256 == hashlib.sha256(b"the bytes").hexdigest()
    assert spool_file(work, run.id).read_bytes() == b"the bytes"


async def test_a_full_disk_leaves_nothing_half_written(work):
    run_id = uuid7()
    partial = spool_file(work, run_id).with_suffix(".part")
    partial.symlink_to("/dev/full")
    with pytest.raises(DiskFull, match="no space left"):
        await write_down(work, run_id, b"results")
    assert list(work.settings.spool_dir.iterdir()) == []


async def test_a_manager_that_is_away_leaves_the_outbox_as_it_is(work):
    run = await keep(work)
    assert await deliver_results(work) is False
    assert work.rhythm.away
    async with work.db() as db:
        (kept,) = await queries.waiting(db, limit=10)
    assert (kept.run_id, kept.state) == (run.id, KeptState.WAITING)
    assert spool_file(work, run.id).exists()


async def test_a_row_whose_bytes_are_gone_is_given_up(work):
    run = await keep(work)
    spool_file(work, run.id).unlink()
    await deliver_results(work)
    await settle_runs(work)
    async with work.db() as db:
        found = await db.get(Run, run.id)
    assert (found.state, found.lease) == (RunState.RELEASED, None)


async def test_only_what_the_manager_answered_for_leaves_the_spool(work):
    waits, done, refused = [await keep(work) for _ in range(3)]
    async with work.db() as db:
        await queries.tried(db, done.id, state=KeptState.DELIVERED, problem=None)
        await queries.tried(db, refused.id, state=KeptState.REFUSED, problem="blob-refused")
    await settle_runs(work)
    await settle_runs(work)
    left = {path.stem for path in work.settings.spool_dir.iterdir()}
    assert left == {str(waits.id), str(refused.id)}
    async with work.db() as db:
        states = {run_id: (await db.get(Run, run_id)).state for run_id in (waits.id, done.id, refused.id)}
    assert list(states.values()) == [RunState.KEPT, RunState.DELIVERED, RunState.RELEASED]


async def test_files_that_no_row_names_are_removed_at_the_start(work):
    run = await keep(work)
    (work.settings.spool_dir / f"{uuid7()}.blob").write_bytes(b"orphan")
    (work.settings.spool_dir / f"{uuid7()}.part").write_bytes(b"orphan")
    orphaned = work.media_folder(uuid7())
    orphaned.mkdir()
    (orphaned / "photo").write_bytes(b"photo")
    await recover_runs(work)
    assert list(work.settings.spool_dir.iterdir()) == [spool_file(work, run.id)]
    assert list(work.settings.cache_dir.iterdir()) == []
