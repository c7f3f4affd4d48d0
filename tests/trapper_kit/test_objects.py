"""Objects are whole or absent, and what was answered survives a power cut at any system call."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.power_cut import LossyFiles, PowerCut
from trapper_kit.objects import FileOperations, ObjectMissing, ObjectStore, StorageUnavailable


async def _chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_object_is_one_plain_file_and_is_read_back(tmp_path: Path) -> None:
    store = ObjectStore.open(tmp_path, None)
    await store.put("originals/ab/abc.0", b"hello")
    assert (tmp_path / "originals/ab/abc.0").read_bytes() == b"hello"
    assert await store.read("originals/ab/abc.0") == b"hello"
    assert await store.read_start("originals/ab/abc.0", 2) == b"he"
    part = await store.stream("originals/ab/abc.0", 1, 3)
    assert [chunk async for chunk in part.chunks] == [b"el"]
    assert await store.size("originals/ab/abc.0") == 5
    await store.delete("originals/ab/abc.0")
    await store.delete("originals/ab/abc.0")
    assert await store.size("originals/ab/abc.0") is None
    with pytest.raises(ObjectMissing):
        await store.read("originals/ab/abc.0")


async def test_empty_object_is_an_object(tmp_path: Path) -> None:
    store = ObjectStore.open(tmp_path, None)
    await store.put("a/b", b"")
    assert (await store.size("a/b"), await store.read_start("a/b", 10)) == (0, b"")


async def test_streamed_object_appears_only_when_its_source_ends_well(tmp_path: Path) -> None:
    store = ObjectStore.open(tmp_path, None)
    big = b"x" * (3 << 20)
    assert await store.put_stream("a/big", _chunks(big, b"y")) == len(big) + 1
    assert await store.read("a/big") == big + b"y"

    async def broken() -> AsyncIterator[bytes]:
        yield big
        raise ValueError("the sender went away")

    with pytest.raises(ValueError, match="went away"):
        await store.put_stream("a/broken", broken())
    assert await store.size("a/broken") is None
    assert list((tmp_path / "incoming").iterdir()) == []


async def test_abandoned_writes_are_deleted_and_young_ones_are_kept(tmp_path: Path) -> None:
    store = ObjectStore.open(tmp_path, None)
    (tmp_path / "incoming" / "left").write_bytes(b"half")
    await store.drop_abandoned(datetime.now(UTC) - timedelta(minutes=1))
    assert (tmp_path / "incoming" / "left").exists()
    await store.drop_abandoned(datetime.now(UTC) + timedelta(minutes=1))
    assert not (tmp_path / "incoming" / "left").exists()


async def test_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    store = ObjectStore.open(tmp_path, None)
    (tmp_path / "originals").write_bytes(b"a file where a folder should be")
    with pytest.raises(StorageUnavailable):
        await store.put("originals/a", b"x")


@pytest.mark.parametrize("streamed", [False, True])
async def test_power_cut_at_every_system_call_leaves_whole_objects_or_none(tmp_path: Path, streamed: bool) -> None:
    """Two objects in the same new folder: one that was answered stays, the other is whole or absent."""
    second = b"second" * 300_000
    for calls in range(60):
        folder = tmp_path / str(calls)
        files = LossyFiles(calls_left=None)
        store = ObjectStore.open(folder, None, files)
        await store.put("originals/ab/first", b"first")
        files.calls_left = calls
        done = False
        try:
            if streamed:
                await store.put_stream("originals/cd/second", _chunks(second[:1000], second[1000:]))
            else:
                await store.put("originals/cd/second", second)
            done = True
        except PowerCut:
            pass
        files.cut()
        after = ObjectStore.open(folder, None)
        assert await after.read("originals/ab/first") == b"first"
        size = await after.size("originals/cd/second")
        assert size == len(second) if done else size in {None, len(second)}
        if done:
            return
    raise AssertionError("writing one object took more than 60 system calls")


async def test_a_store_that_forgets_to_sync_is_caught_by_the_power_cut(tmp_path: Path) -> None:
    class NeverSyncs(LossyFiles):
        def fsync(self, descriptor: int) -> None:  # type: ignore[override]
            pass

    files = NeverSyncs()
    await ObjectStore.open(tmp_path, None, files).put("a/b", b"lost")
    files.cut()
    assert await ObjectStore.open(tmp_path, None, FileOperations).size("a/b") is None
