import sys

import numpy as np
import pytest

from ai_worker.model_store import open_onnx
from ai_worker.model_store.errors import ModelRefused, ProviderUnavailable, RuntimeAbsent
from ai_worker.model_store.golden import checksum, difference, run_golden
from ai_worker.model_store.open_onnx import available_providers, open_session
from tests.support.make.inference import stage_spec
from tests.support.networks import colour_classifier, colour_detector, fixed_output

CPU = ("CPUExecutionProvider",)


def test_a_session_tells_what_goes_in_and_out(tmp_path):
    session = open_session(colour_detector(tmp_path / "m.onnx"), providers=CPU)
    assert (session.input.name, session.input.shape, session.input.dtype) == ("images", (None, 3, 128, 128), "float32")
    assert [axis.name for axis in session.outputs] == ["output"]
    assert (session.provider, session.device, session.precision) == ("CPUExecutionProvider", "cpu", "float32")


def test_a_device_that_is_not_there_is_never_replaced(tmp_path):
    missing = next(
        name for name in ("CUDAExecutionProvider", "ROCMExecutionProvider") if name not in available_providers()
    )
    with pytest.raises(ProviderUnavailable, match=f"{missing} was asked for"):
        open_session(colour_detector(tmp_path / "m.onnx"), providers=(missing,))


def test_a_provider_that_the_session_leaves_out_is_noticed(tmp_path, monkeypatch):
    real = open_onnx._runtime()

    class Silent:
        """A runtime that says it can, and then does something else, as ONNX Runtime does with a warning."""

        SessionOptions = real.SessionOptions

        @staticmethod
        def get_available_providers():
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

        @staticmethod
        def InferenceSession(model, **_how):  # noqa: N802 - as the runtime calls it
            return real.InferenceSession(model, providers=list(CPU))

    monkeypatch.setattr(open_onnx, "_runtime", lambda: Silent)
    with pytest.raises(ProviderUnavailable, match="would use CPUExecutionProvider"):
        open_session(colour_detector(tmp_path / "m.onnx"), providers=("CUDAExecutionProvider",))


def test_without_the_runtime_one_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RuntimeAbsent, match=r"install ai-worker\[cpu\]"):
        available_providers()


def test_a_broken_file_is_refused_in_one_line(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08nothing")
    with pytest.raises(ModelRefused, match="cannot be parsed") as caught:
        open_session(path, providers=CPU)
    assert "\n" not in str(caught.value)


def test_inner_values_can_be_brought_out(tmp_path):
    path = colour_classifier(tmp_path / "m.onnx", softmax=True, embedding=False)
    session = open_session(path, providers=CPU, also=("embedding",))
    assert session.tapped == {"embedding"}
    tensor = np.full((1, 3, 32, 32), 0.5, np.float32)
    assert [output.shape for output in session.run(tensor)] == [(1, 3), (1, 3)]
    assert open_session(path, providers=CPU).tapped == frozenset()


def test_golden_runs_are_the_same_every_time_and_differ_between_models(tmp_path):
    spec = stage_spec(size=128).model.spec
    clock = iter(range(100)).__next__
    session = open_session(colour_detector(tmp_path / "m.onnx"), providers=CPU)
    first, second = (run_golden(session, spec.preprocessing, clock) for _ in range(2))
    assert checksum(first) == checksum(second)
    assert difference(["output"], spec, first, second) == 0
    assert [run.seconds for run in first] == [1, 1, 1]
    values = np.concatenate([np.full((4, 16), 50.0), np.ones((3, 16))])
    other = open_session(fixed_output(tmp_path / "o.onnx", values, size=128), providers=CPU)
    theirs = run_golden(other, spec.preprocessing, clock)
    assert checksum(theirs) != checksum(first)
    assert difference(["output"], spec, theirs, first) > 0.1
