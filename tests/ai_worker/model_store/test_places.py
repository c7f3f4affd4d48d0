"""Devices and bound memory: everything that an accelerator is run with, on the processor."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ai_worker.inference.forward import forward
from ai_worker.model_store import open_onnx
from ai_worker.model_store.errors import ProviderUnavailable
from ai_worker.model_store.open_model import open_model
from ai_worker.model_store.open_onnx import open_session
from ai_worker.model_store.places import Place, devices_of, runtime_of
from tests.support.networks import colour_classifier, colour_detector

CPU = ("CPUExecutionProvider",)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return colour_classifier(tmp_path_factory.mktemp("networks") / "m.onnx")


def pictures(count):
    return np.random.default_rng(count).random((count, 3, 32, 32), dtype=np.float32)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_bound_memory_gives_the_same_numbers_whatever_the_batch(classifier, count):
    plain, bound = open_session(classifier, providers=CPU), open_session(classifier, providers=CPU, bound=True)
    tensor = pictures(count)
    for expected, got in zip(plain.run(tensor), bound.run(tensor), strict=True):
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_a_batch_is_filled_up_so_that_a_model_meets_few_shapes(classifier):
    bound = open_session(classifier, providers=CPU, bound=True)
    for count in range(1, 17):
        bound.run(pictures(count))
    assert sorted(shape[0] for shape in bound._bound._idle) == [1, 2, 4, 8, 16]
    assert [len(idle) for idle in bound._bound._idle.values()] == [1] * 5  # bound once, used again


def test_answers_stay_what_they_were_when_the_memory_is_used_again(classifier):
    bound = open_session(classifier, providers=CPU, bound=True)
    first = bound.run(pictures(2))
    before = [output.copy() for output in first]
    bound.run(np.ones((2, 3, 32, 32), np.float32))
    for kept, output in zip(before, first, strict=True):
        np.testing.assert_array_equal(kept, output)


def test_threads_never_share_bound_memory(classifier):
    bound, plain = open_session(classifier, providers=CPU, bound=True), open_session(classifier, providers=CPU)
    together = threading.Barrier(4)

    def look(number):
        together.wait(30)
        tensor = np.full((4, 3, 32, 32), number / 4, np.float32)
        return all(
            np.allclose(a, b) for _ in range(50) for a, b in zip(bound.run(tensor), plain.run(tensor), strict=True)
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(look, range(4)))


def test_a_file_of_three_at_once_is_filled_up_to_three_and_no_further(tmp_path):
    bound = open_session(colour_detector(tmp_path / "m.onnx", batch=3), providers=CPU, bound=True)
    rows = forward(bound, list(np.ones((4, 3, 128, 128), np.float32)))
    assert [output.shape for (output,) in rows] == [(7, 16)] * 4


class SmallDevice:
    """Gives no memory to more than two pictures at a time, as ONNX Runtime's arena says it."""

    asked: tuple[int, ...] = ()

    def ortvalue_from_numpy(self, values, *where):
        self.asked += (len(values),)
        if len(values) > 2:
            raise RuntimeError("bfc_arena.cc:358 Failed to allocate memory for requested buffer of size 805306368")
        return open_onnx._runtime().OrtValue.ortvalue_from_numpy(values, *where)


def test_a_device_that_is_too_small_for_a_batch_is_given_smaller_ones_from_then_on(classifier, capfd):
    bound, plain = open_session(classifier, providers=CPU, bound=True), open_session(classifier, providers=CPU)
    small = bound._bound._values = SmallDevice()
    for count in (7, 7, 3, 2, 1):
        for expected, got in zip(plain.run(pictures(count)), bound.run(pictures(count)), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert small.asked == (8, 4, 2, 1), "each size was asked for once"


def test_a_device_without_room_for_one_picture_and_any_other_trouble_is_not_hidden(classifier):
    class Broken(SmallDevice):
        def ortvalue_from_numpy(self, values, *_where):
            self.asked += (len(values),)
            raise RuntimeError("CUDA failure 2: out of memory" if len(self.asked) < 3 else "CUDA failure 700")

    for asked in ((4, 2, 1), (1, 1)):
        bound = open_session(classifier, providers=CPU, bound=True)
        broken = bound._bound._values = Broken()
        with pytest.raises(RuntimeError, match="CUDA failure"):
            bound.run(pictures(asked[0]))
        assert broken.asked[:1] == asked[:1]


def test_devices_are_checked_against_their_runtime():
    assert devices_of("onnx-cpu", ()) == ("cpu",)
    assert devices_of("onnx-tensorrt", ()) == ("cuda:0",)
    assert devices_of("onnx-cuda", ("cuda:0", "cuda:1")) == ("cuda:0", "cuda:1")
    with pytest.raises(ProviderUnavailable, match="'cpu:0' is no device of onnx-cuda; expected such as 'cuda:0'"):
        devices_of("onnx-cuda", ("cuda:0", "cpu:0"))
    with pytest.raises(ProviderUnavailable, match="is no device"):
        devices_of("onnx-cuda", ("cuda:one",))
    with pytest.raises(ProviderUnavailable, match="named twice"):
        devices_of("onnx-cpu", ("cpu:0", "cpu:0"))


def test_devices_tell_their_runtime():
    offered = ("onnx-cuda", "onnx-tensorrt", "onnx-cpu")
    assert runtime_of(("cuda:1",), offered) == "onnx-cuda"
    assert runtime_of(("cpu:0", "cpu:1"), offered) == "onnx-cpu"
    assert runtime_of(("cpu:0", "cuda:1"), offered) is None
    assert runtime_of(("hailo:0",), offered) is None


def test_a_session_says_on_which_device_it_runs(classifier):
    assert open_model(classifier, Place(device="cpu:1")).device == "cpu:1"


def test_what_a_device_leaves_to_the_processor_is_said(classifier, monkeypatch):
    session = open_session(classifier, providers=CPU, place=Place("onnx-cuda", "cuda:1"))
    assert session.device == "cuda:1"
    monkeypatch.setattr(session, "provider", "CUDAExecutionProvider")
    nodes = open_onnx._assigned(session._session)  # as ONNX Runtime itself counts them
    assert nodes.keys() == {"CPUExecutionProvider"}
    assert session.device == f"cuda:1, {nodes.total()} of {nodes.total()} nodes on cpu"
