"""The folder of weights and engines: the least used leave, what anybody uses stays."""

import asyncio
import os
import sys

from ai_worker.model_store.weights_store import WeightsStore
from tests.support.make.ai_worker import open_worker


def place(store: WeightsStore, count: int) -> None:
    """So many files of 100 bytes, named 000…, 111… and so on, the first one used longest ago."""
    for number in range(count):
        path = store.path(str(number) * 64, "onnx")
        path.write_bytes(b"x" * 100)
        os.utime(path, (1000 + number, 1000 + number))


async def test_the_least_used_weights_leave_first_and_those_in_use_stay(tmp_path):
    async with open_worker(tmp_path) as work:
        place(work.store, 4)
        gone = work.store.evict(200, keep={"0" * 64})
        assert gone == ["1" * 64, "2" * 64]
        assert work.store.on_disk() == ("0" * 64, "3" * 64)


async def test_weights_that_another_process_uses_are_left_alone(tmp_path):
    async with open_worker(tmp_path) as work:
        place(work.store, 3)
        holder = await asyncio.create_subprocess_exec(
            sys.executable, "-c", USING, str(work.store.folder), "0" * 64, stdin=-1, stdout=-1
        )
        assert await holder.stdout.readline() == b"using\n"
        assert work.store.evict(100, keep=()) == ["1" * 64, "2" * 64]
        holder.kill()
        await holder.communicate()
        assert work.store.evict(0, keep=()) == ["0" * 64]


USING = """
import sys
from pathlib import Path
from ai_worker.model_store.weights_store import WeightsStore

store = WeightsStore(Path(sys.argv[1]))
store.use(sys.argv[2])
print("using", flush=True)
sys.stdin.read()
"""


def store_of(tmp_path, *, weights=(), engines=()):
    """A store with files of 100 bytes; each was last used one second after the one before it."""
    store = WeightsStore(tmp_path)
    at = iter(range(1000, 2000))
    for name in weights:
        path = store.path(name * 64, "onnx")
        path.write_bytes(b"x" * 100)
        os.utime(path, (now := next(at), now))
    for name, key in engines:
        folder = store.built / (name * 64) / key
        (folder / "more").mkdir(parents=True)
        (folder / "kernel_sm80.engine").write_bytes(b"x" * 60)
        (folder / "more" / "cache.timing").write_bytes(b"x" * 40)
        os.utime(folder, (now := next(at), now))
    return store


def engines_in(store):
    return sorted((path.parent.name[0], path.name) for path in store.built.glob("*/*"))


def test_engines_count_and_leave_with_their_weights(tmp_path):
    store = store_of(tmp_path, weights="012", engines=[("0", "a"), ("0", "b"), ("1", "a")])
    assert store.size_bytes() == 600
    assert store.evict(300, keep=()) == ["0" * 64], "one file and the two engines of it"
    assert store.size_bytes() == 300
    assert engines_in(store) == [("1", "a")]


def test_engines_of_other_software_leave_before_a_model_that_is_used_more(tmp_path):
    store = store_of(tmp_path, weights="01", engines=[("0", "old"), ("0", "new")])
    for name in "01":
        os.utime(store.path(name * 64, "onnx"), (5000, 5000))
    assert store.evict(300, keep=()) == []
    assert engines_in(store) == [("0", "new")]
    assert store.on_disk() == ("0" * 64, "1" * 64)


def test_engines_whose_weights_are_gone_leave_too(tmp_path):
    store = store_of(tmp_path, engines=[("0", "a")])
    assert store.evict(0, keep=()) == []
    assert (store.size_bytes(), engines_in(store)) == (0, [])


def test_engines_of_a_model_in_use_stay_with_this_process_and_with_any_other(tmp_path):
    store = store_of(tmp_path, weights="01", engines=[("0", "a"), ("1", "a")])
    sharing = WeightsStore(tmp_path)
    store.use("0" * 64)
    assert sharing.evict(0, keep={"1" * 64}) == []
    assert engines_in(store) == [("0", "a"), ("1", "a")]
    assert store.evict(0, keep={"0" * 64}) == ["1" * 64]
    assert engines_in(store) == [("0", "a")]
    store.close()
    assert sharing.evict(0, keep=()) == ["0" * 64]
    assert sharing.size_bytes() == 0


def test_nothing_is_evicted_below_the_limit_and_nothing_foreign_ever(tmp_path):
    store = store_of(tmp_path, weights="0")
    (tmp_path / "notes.onnx").write_bytes(b"somebody's own" * 100)
    (store.built / "elsewhere").mkdir(parents=True)
    assert store.evict(100, keep=()) == []
    assert store.evict(0, keep=()) == ["0" * 64]
    assert (tmp_path / "notes.onnx").exists()
    assert (store.built / "elsewhere").exists()
