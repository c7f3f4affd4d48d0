"""A result is on the disk before its row is committed and before the worker is answered."""

from pathlib import Path

from ai_manager.blob_store import results_key
from tests.support.make.ai_manager import IN_STORE, Manager
from tests.support.power_cut import LossyFiles
from tests.support.system_calls import system_calls
from trapper_kit.objects import ObjectStore


@IN_STORE
async def test_saved_result_is_synced_before_the_commit_and_the_answer(
    manager: Manager, expert: dict[str, str], tmp_path: Path
) -> None:
    await manager.planned(expert)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    with system_calls(tmp_path) as calls:
        assert (await machine.finish(lease)).status_code == 200
        calls.mark("answered")
    (row,) = await manager.rows("select sha256 from saved_results")
    calls.assert_durable(results_key(row["sha256"]), "answered", commit="with held as materialized")


@IN_STORE
async def test_power_cut_leaves_no_saved_result_without_its_bytes(manager: Manager, expert: dict[str, str]) -> None:
    folder = manager.work.settings.blobs_dir
    assert folder is not None
    files = LossyFiles()
    manager.work.blobs = ObjectStore.open(folder, None, files)
    await manager.planned(expert)
    machine = await manager.worker()
    (lease,) = await machine.claim()
    assert (await machine.finish(lease)).status_code == 200
    files.cut()
    (row,) = await manager.rows("select sha256, size_bytes from saved_results")
    assert await ObjectStore.open(folder, None).size(results_key(row["sha256"])) == row["size_bytes"]
