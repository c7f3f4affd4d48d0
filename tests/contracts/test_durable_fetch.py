"""A fetched batch is on the Expert's disk before its row is committed, and so before the Manager hears of it."""

from pathlib import Path

from expert.media_store import blob_key
from expert.results.fetch import fetch_results
from tests.contracts.conftest import Pair
from tests.support.power_cut import LossyFiles
from tests.support.system_calls import system_calls
from trapper_kit.objects import ObjectStore


async def test_fetched_batch_is_synced_before_the_commit(pair: Pair, tmp_path: Path) -> None:
    await pair.sweep()
    await pair.plan()
    await pair.work_off(await pair.manager.worker())
    ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
    with system_calls(tmp_path) as calls:
        await fetch_results(pair.expert.work, job_id)
        calls.mark("fetched")
    rows = await pair.expert.sql("select sha256 from received_batches")
    assert len(rows) == 3
    for (sha256,) in rows:
        calls.assert_durable(blob_key(sha256), "fetched")


async def test_power_cut_leaves_no_fetched_batch_without_its_bytes(pair: Pair) -> None:
    await pair.sweep()
    await pair.plan()
    await pair.work_off(await pair.manager.worker())
    ((job_id,),) = await pair.expert.sql("select id from ai_classification_jobs")
    work, files = pair.expert.work, LossyFiles()
    folder = work.settings.blobs_dir
    assert folder is not None
    work.blobs = ObjectStore.open(folder, None, files)
    await fetch_results(work, job_id)
    files.cut()
    store = ObjectStore.open(folder, None)
    rows = await pair.expert.sql("select sha256, size_bytes from received_batches")
    assert len(rows) == 3
    for sha256, size_bytes in rows:
        assert await store.size(blob_key(sha256)) == size_bytes
