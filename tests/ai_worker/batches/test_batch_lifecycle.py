"""A batch through a whole worker, against a real Manager: claimed, computed, kept, delivered, or given back."""

import asyncio
import os

from ai_manager.workers.revoke import revoke_worker
from ai_worker.batches import queries
from ai_worker.results import queries as results
from tests.support.make.inference import stage_spec
from tests.support.managers import outcomes
from tests.support.workers import eventually
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.jobs import JobState


async def states(work):
    async with work.db() as db:
        return await queries.counts(db)


async def unfinished(work):
    async with work.db() as db:
        return await queries.unfinished(db)


async def test_photos_come_back_as_results_and_nothing_stays_behind(manager, pictures, stage, worker):
    resources = pictures.photos([0, 1, 2, 3, 1, 0])
    job_id = await manager.submit([stage], resources, origins=[pictures.url])
    async with worker() as working:
        job = await manager.closed(job_id)
        await eventually(lambda: not list(working.work.settings.spool_dir.iterdir()))
        assert list(working.work.settings.cache_dir.iterdir()) == []
        assert await states(working.work) == {"delivered": 2}
    assert (job.state, job.counts.done, job.counts.blank) == (JobState.FINISHED, 4, 2)
    blobs = [read_results(blob) for blob in await manager.blobs(job_id)]
    seen = {resource: outcome for blob in blobs for resource, outcome in zip(blob.ids, outcomes(blob), strict=True)}
    assert seen == {resource.id: "seen" for resource in resources}
    assert sum(blob.box.rows for blob in blobs) == 7
    assert sorted(pictures.asked) == sorted(resource.id for resource in resources)


async def test_one_broken_picture_fails_alone(manager, pictures, stage, worker):
    good, missing = pictures.photos([1, 1])
    del pictures.files[missing.id]
    text, empty = pictures.add(b"this is a text file"), pictures.add(b"")
    job_id = await manager.submit([stage], [good, missing, text, empty], origins=[pictures.url])
    async with worker():
        job = await manager.closed(job_id)
    assert job.state is JobState.PARTIAL
    (blob,) = await manager.blobs(job_id)
    assert outcomes(read_results(blob)) == ["seen", "media-refused", "undecodable", "empty-file"]


async def test_the_next_batch_is_fetched_meanwhile_and_no_more_than_fits(manager, pictures, stage, worker):
    pictures.open.clear()
    job_id = await manager.submit([stage], pictures.photos([1] * 12), origins=[pictures.url])
    async with worker(slots=2) as working:
        await eventually(lambda: len(set(pictures.asked)) == 8)
        await asyncio.sleep(0.3)
        assert len(await unfinished(working.work)) == 2
        assert len(set(pictures.asked)) == 8
        pictures.open.set()
        assert (await manager.closed(job_id)).counts.done == 12


async def test_leases_are_renewed_while_the_work_goes_on(manager, pictures, stage, worker):
    pictures.open.clear()
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker():
        await eventually(lambda: pictures.asked)
        ((attempt, first),) = await leases(manager)
        for _ in range(3):
            ((_, before),) = await leases(manager)
            await eventually(lambda before=before: later(manager, (attempt, before)))
        ((_, last),) = await leases(manager)
        assert last > first
        pictures.open.set()
        await manager.closed(job_id)


async def leases(manager):
    found = await manager.rows("select attempt, lease_expires_at from batches where state = 'leased'")
    return [(row["attempt"], row["lease_expires_at"]) for row in found]


async def later(manager, lease):
    return [one for one in await leases(manager) if one > lease]


async def test_a_lost_lease_means_that_the_work_is_thrown_away(manager, pictures, stage, worker):
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    manager.faults.unavailable |= {"/save_results/"}
    async with worker() as working:
        await eventually(lambda: manager.faults.count("/save_results/"))
        manager.faults.unavailable |= {"/heartbeat/"}
        await eventually(lambda: first_lease_ended(manager))
        manager.faults.unavailable.clear()
        job = await manager.closed(job_id)
        await eventually(lambda: not list(working.work.settings.spool_dir.iterdir()))
        assert await states(working.work) == {"delivered": 1, "released": 1}
    assert job.state is JobState.FINISHED
    (blob,) = await manager.blobs(job_id)
    assert read_results(blob).attempt == 2


async def first_lease_ended(manager):
    """Told again and again: a heartbeat that was under way may have renewed it."""
    await manager.end_first_leases()
    return any(
        batch["attempt"] > 1 or (batch["attempt"] == 1 and batch["state"] == "waiting")
        for batch in await manager.batches()
    )


async def lost(manager):
    return any(batch["losses"] for batch in await manager.batches())


async def test_a_cancelled_job_stops_the_computing(manager, pictures, stage, worker):
    pictures.open.clear()
    job_id = await manager.submit([stage], pictures.photos([1] * 4), origins=[pictures.url])
    async with worker() as working:
        await eventually(lambda: pictures.asked)
        (await manager.client.post(f"/api/prediction_jobs/{job_id}/cancel/")).raise_for_status()
        await eventually(lambda: is_empty(working.work))
        assert await states(working.work) == {"released": 1}
        assert list(working.work.settings.cache_dir.iterdir()) == []


async def is_empty(work):
    return not await unfinished(work)


async def test_results_of_a_cancelled_job_are_thrown_away(manager, pictures, stage, worker):
    manager.faults.unavailable |= {"/save_results/"}
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        await eventually(lambda: manager.faults.count("/save_results/"))
        (await manager.client.post(f"/api/prediction_jobs/{job_id}/cancel/")).raise_for_status()
        manager.faults.unavailable.clear()
        await eventually(lambda: not list(working.work.settings.spool_dir.iterdir()))
        assert await states(working.work) == {"released": 1}


async def test_an_answer_that_was_lost_is_asked_for_again_and_counts_once(manager, pictures, stage, worker):
    manager.faults.reply_lost |= {"/save_results/"}
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        job = await manager.closed(job_id)
        manager.faults.reply_lost.clear()
        await eventually(lambda: not list(working.work.settings.spool_dir.iterdir()))
        assert await states(working.work) == {"delivered": 1}
    assert (job.state, job.counts.done) == (JobState.FINISHED, 1)


async def test_an_outage_of_the_manager_costs_nothing_but_time(manager, pictures, stage, worker):
    job_id = await manager.submit([stage], pictures.photos([1] * 8), origins=[pictures.url])
    async with worker() as working:
        await eventually(lambda: manager.faults.count("/claim/"))
        manager.faults.unavailable |= {"/api/"}
        await eventually(lambda: working.work.rhythm.away)
        await asyncio.sleep(0.3)
        manager.faults.unavailable.clear()
        job = await manager.closed(job_id)
    assert (job.state, job.counts.done) == (JobState.FINISHED, 8)


async def test_a_dead_inference_process_costs_one_batch_its_whole_and_no_picture(manager, pictures, stage, worker):
    job_id = await manager.submit([stage], pictures.photos([1, 1, 0, 0]), origins=[pictures.url])
    pictures.open.clear()
    async with worker() as working:
        await eventually(lambda: pictures.asked)
        os.kill(working.work.devices.children.each[0].pid, 19)  # stopped, so that it dies in the middle of its batch
        pictures.open.set()
        await eventually(lambda: runs(working.work))
        os.kill(working.work.devices.children.each[0].pid, 9)
        job = await manager.closed(job_id)
    assert (job.state, job.counts.done, job.counts.blank) == (JobState.FINISHED, 2, 2)
    assert len(await manager.blobs(job_id)) == 2


async def runs(work):
    return (await states(work)).get("running")


async def test_weights_with_another_hash_are_given_back_and_never_run(manager, pictures, stage, worker):
    (kept,) = manager.work.settings.blobs_dir.rglob(f"*{stage.stage.model.sha256}*")
    content = kept.read_bytes()
    kept.write_bytes(content[:-1] + b"x")
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        await eventually(lambda: lost(manager))
        assert working.work.self_tests.passed == {}
        assert working.work.store.on_disk() == ()
        kept.write_bytes(content)
        job = await manager.closed(job_id)
    assert job.state is JobState.FINISHED


async def test_a_full_disk_gives_the_batch_back_and_the_worker_goes_on(manager, pictures, stage, worker):
    pictures.open.clear()
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        await eventually(lambda: pictures.asked)
        (run,) = await unfinished(working.work)
        (working.work.settings.spool_dir / f"{run.id}.part").symlink_to("/dev/full")
        pictures.open.set()
        await eventually(lambda: lost(manager))
        assert (await manager.closed(job_id)).state is JobState.FINISHED
        assert await states(working.work) == {"released": 1, "delivered": 1}


async def test_refused_results_are_kept_for_doctor_and_the_batch_is_given_back(manager, pictures, stage, worker):
    manager.faults.unavailable |= {"/save_results/"}
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker() as working:
        (blob,) = await eventually(lambda: list(working.work.settings.spool_dir.glob("*.blob")))
        await eventually(lambda: manager.faults.count("/save_results/"))
        blob.write_bytes(blob.read_bytes()[:-10])
        manager.faults.unavailable.clear()
        assert (await manager.closed(job_id)).state is JobState.FINISHED
        async with working.work.db() as db:
            (refused,) = await results.refused(db)
        assert refused.problem
        assert blob.exists()


async def test_a_model_that_was_not_confirmed_by_its_golden_run_is_not_used(manager, pictures, worker, detector_file):
    spec = stage_spec(detector_file, predictor="yolox", classes=7)
    await manager.publish(spec, detector_file.read_bytes())
    job_id = await manager.submit([spec], pictures.photos([1]), origins=[pictures.url])
    async with worker():
        job = await manager.closed(job_id)
    assert job.state in {JobState.FAILED, JobState.PARTIAL}
    assert job.counts.failed == 1


async def test_stopping_gives_back_what_waits_and_costs_it_no_loss(manager, pictures, stage, worker):
    pictures.open.clear()
    job_id = await manager.submit([stage], pictures.photos([1] * 8), origins=[pictures.url])
    async with worker(intervals={"grace": 0.2}) as working:
        await eventually(lambda: len(set(pictures.asked)) == 8)
        assert await working.stop() is True
        assert await states(working.work) == {"released": 2}
    assert (
        await manager.rows("select state, losses, crashes from batches")
        == [{"state": "waiting", "losses": 0, "crashes": 0}] * 2
    )
    pictures.open.set()
    async with worker():
        assert (await manager.closed(job_id)).counts.done == 8


async def test_stopping_delivers_what_is_kept_or_says_that_it_stays(manager, pictures, stage, worker):
    manager.faults.unavailable |= {"/save_results/"}
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker(intervals={"grace": 0.3}) as working:
        await eventually(lambda: manager.faults.count("/save_results/"))
        assert await working.stop() is False
    manager.faults.unavailable.clear()
    async with worker() as working:
        assert (await manager.closed(job_id)).counts.done == 1
        assert await working.stop() is True


async def test_a_revoked_worker_claims_nothing_and_says_so(manager, pictures, stage, worker):
    async with worker() as working:
        await eventually(lambda: manager.faults.count("/heartbeat/"))
        async with manager.work.db() as db:
            await revoke_worker(db, working.work.worker_id, now=manager.work.clock.now())
        await eventually(lambda: working.work.state.revoked)
        assert working.work.closed() == "credential not valid"
