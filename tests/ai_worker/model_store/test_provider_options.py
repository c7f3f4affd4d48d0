"""What is handed to ONNX Runtime for each device: the names and values of its own pages, no others."""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnxruntime.capi import onnxruntime_pybind11_state as states

from ai_worker.inference.types import Axis
from ai_worker.model_store import open_onnx, provider_options
from ai_worker.model_store.errors import ModelRefused, ProviderUnavailable
from ai_worker.model_store.open_model import open_model
from ai_worker.model_store.open_onnx import PROVIDERS
from ai_worker.model_store.places import KINDS, Place
from ai_worker.model_store.provider_options import engine_folder, filled_up, options_of, shape_profile
from tests.support.networks import colour_classifier, colour_detector

TENSORRT, CUDA = "TensorrtExecutionProvider", "CUDAExecutionProvider"
KNOWN = {
    CUDA: {"device_id", "gpu_mem_limit", "arena_extend_strategy", "cudnn_conv_algo_search", "use_tf32"},
    "MIGraphXExecutionProvider": {"device_id", "migraphx_fp16_enable", "migraphx_int8_enable"},
    "DmlExecutionProvider": {"device_id"},
    "OpenVINOExecutionProvider": {"device_type", "precision", "num_of_threads", "num_streams", "cache_dir"},
    "CoreMLExecutionProvider": {"ModelFormat", "MLComputeUnits"},
    "CPUExecutionProvider": set(),
    TENSORRT: {
        "device_id",
        "trt_fp16_enable",
        "trt_engine_cache_enable",
        "trt_engine_cache_path",
        "trt_timing_cache_enable",
        "trt_timing_cache_path",
        "trt_profile_min_shapes",
        "trt_profile_opt_shapes",
        "trt_profile_max_shapes",
    },
}
"""From the pages of the execution providers at onnxruntime.ai; its Python binding of TensorRT refuses any other."""
WORDS = {"True", "False"}
"""The only values that the Python binding of TensorRT takes for what is on or off: with `1` no session opens."""


class Recording:
    """ONNX Runtime as it is built for NVIDIA, and the processor in place of the card."""

    SessionOptions = onnxruntime.SessionOptions
    OrtValue = onnxruntime.OrtValue
    RunOptions = onnxruntime.RunOptions

    def __init__(self, *, raises=None, provider=None):
        self.asked = []
        self.preloaded = 0
        self.raises = raises
        self.provider = provider

    def get_available_providers(self):
        return [TENSORRT, CUDA, "CPUExecutionProvider"]

    def preload_dlls(self):
        sys.stdout.write("Failed to load libcudart.so.13\n")  # as it says what it did not find
        self.preloaded += 1

    def InferenceSession(self, model, *, providers, **how):  # noqa: N802 - as the runtime calls it
        self.asked.append((providers, how))
        if self.raises is not None:
            raise self.raises
        session = onnxruntime.InferenceSession(
            model, sess_options=how["sess_options"], providers=["CPUExecutionProvider"]
        )
        return Pretending(session, self.provider or providers[0][0])


class Pretending:
    """A session of the processor that says it is another's."""

    def __init__(self, session, provider):
        self.session = session
        self.provider = provider

    def __getattr__(self, name):
        return getattr(self.session, name)

    def get_providers(self):
        return [self.provider, "CPUExecutionProvider"]

    def get_provider_graph_assignment_info(self):
        parts = self.session.get_provider_graph_assignment_info()
        return [Part(self.provider, part.get_nodes()) for part in parts]


class Part:
    def __init__(self, ep_name, nodes):
        self.ep_name = ep_name
        self.get_nodes = lambda: nodes


@pytest.fixture
def runtime(monkeypatch):
    def make(**how):
        one = Recording(**how)
        monkeypatch.setattr(open_onnx, "_runtime", lambda: one)
        open_onnx._load_cuda.cache_clear()
        return one

    yield make
    open_onnx._load_cuda.cache_clear()


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return colour_detector(tmp_path_factory.mktemp("networks") / "detector.onnx")


def place(tmp_path: Path, **changes) -> Place:
    values = {"runtime": "onnx-tensorrt", "device": "cuda:1", "cache": tmp_path / "built" / "abc"}
    return Place(**{**values, "usual_batch": 16, "largest_batch": 32, "sides": (128, 128), **changes})


def test_tensorrt_is_told_the_shapes_that_it_will_meet_and_where_its_engines_lie(detector, runtime, tmp_path):
    here = place(tmp_path, hardware="NVIDIA L4")
    one = runtime()
    assert open_model(detector, here).precision == "float16"
    ((tensorrt, cuda), how) = one.asked[0]
    folder = tmp_path / "built" / "abc"
    (engines,) = folder.iterdir()
    assert "NVIDIA-L4" in engines.name
    assert tensorrt == (
        TENSORRT,
        {
            "device_id": "1",
            "trt_fp16_enable": "True",
            "trt_engine_cache_enable": "True",
            "trt_engine_cache_path": str(engines),
            "trt_timing_cache_enable": "True",
            "trt_timing_cache_path": str(engines),
            "trt_profile_min_shapes": "images:1x3x128x128",
            "trt_profile_opt_shapes": "images:16x3x128x128",
            "trt_profile_max_shapes": "images:32x3x128x128",
        },
    )
    assert cuda == (CUDA, {"device_id": "1"})
    assert how["enable_fallback"] == 0


def test_a_file_whose_input_is_fixed_needs_no_shapes(runtime, tmp_path):
    one = runtime()
    open_model(colour_detector(tmp_path / "m.onnx", batch=3), place(tmp_path, cache=None))
    assert one.asked[0][0][0] == (TENSORRT, {"device_id": "1", "trt_fp16_enable": "True"})


def test_whole_numbers_of_float32_are_asked_for_and_stamped_when_halves_are_not_wanted(detector, runtime, tmp_path):
    one = runtime()
    session = open_model(detector, place(tmp_path, half=False))
    assert one.asked[0][0][0][1]["trt_fp16_enable"] == "False"
    assert session.precision == "float32"


@pytest.mark.parametrize("provider", sorted({one for providers in PROVIDERS.values() for one in providers}))
def test_every_option_is_one_of_the_providers_page(provider, tmp_path):
    profile = shape_profile(Axis("in", (None, 3, None, None), "float32"), "nchw", place(tmp_path))
    told = options_of(provider, place(tmp_path), profile if provider == TENSORRT else None)
    assert told.keys() <= KNOWN[provider]
    assert all(isinstance(value, str) for value in told.values())
    assert {value for key, value in told.items() if key.endswith("_enable")} <= WORDS


@pytest.mark.parametrize(
    ("shape", "layout", "sides", "expected"),
    [
        ((None, 3, 640, 640), "nchw", None, "{}x3x640x640"),
        ((None, 3, None, None), "nchw", (480, 640), "{}x3x480x640"),
        ((None, None, None, 3), "nhwc", (480, 640), "{}x480x640x3"),
        ((None, None, None, None), "", (480, 640), "{}x3x480x640"),
    ],
)
def test_what_a_file_leaves_open_is_as_large_as_its_pictures(shape, layout, sides, expected, tmp_path):
    told = shape_profile(Axis("in", shape, "float32"), layout, place(tmp_path, sides=sides, usual_batch=5))
    assert list(told.values()) == [f"in:{expected.format(count)}" for count in (1, 8, 32)]


def test_a_fixed_batch_stays_what_it_is(tmp_path):
    told = shape_profile(Axis("in", (4, 3, None, None), "float32"), "nchw", place(tmp_path))
    assert set(told.values()) == {"in:4x3x128x128"}


def test_sides_that_nobody_knows_give_no_profile(tmp_path):
    assert shape_profile(Axis("in", (None, 3, None, None), "float32"), "nchw", place(tmp_path, sides=None)) == {}


def test_batches_are_filled_up_to_powers_of_two():
    assert [filled_up(count) for count in (1, 2, 3, 4, 5, 16, 17)] == [1, 2, 4, 4, 8, 16, 32]


def test_engines_of_other_software_devices_and_precisions_lie_elsewhere(tmp_path, monkeypatch):
    def named(**changes):
        return engine_folder(tmp_path, place(tmp_path, **changes)).name

    names = {named(), named(half=False), named(hardware="NVIDIA L4"), named(device="cuda:0")}
    monkeypatch.setattr(provider_options, "version", lambda package: {"tensorrt-cu12": "10.9"}.get(package, "9.9.9"))
    names.add(named())
    assert len(names) == 5
    assert all(name == Path(name).name for name in names)


def test_nvidias_libraries_are_loaded_once_before_the_first_session_and_say_nothing_on_standard_output(
    detector, runtime, tmp_path, capsys
):
    one = runtime()
    open_model(detector, place(tmp_path))
    open_model(detector, place(tmp_path, runtime="onnx-cuda"))
    assert one.preloaded == 1
    assert capsys.readouterr().out == ""


def test_the_processor_needs_none_of_them(detector, runtime):
    one = runtime(provider="CPUExecutionProvider")
    open_model(detector, Place())
    assert one.preloaded == 0


def test_a_device_that_takes_no_node_of_the_file_is_refused(detector, runtime, tmp_path, monkeypatch):
    monkeypatch.delattr(Pretending, "get_provider_graph_assignment_info")
    runtime()
    with pytest.raises(ProviderUnavailable, match=r"takes none of the \d+ nodes"):
        open_model(detector, place(tmp_path))


def test_what_is_wrong_with_a_device_is_told_from_what_is_wrong_with_a_file(detector, runtime, tmp_path):
    runtime(raises=RuntimeError("CUDA failure 100: no CUDA-capable device is detected\nat cuda_call.cc"))
    with pytest.raises(
        ProviderUnavailable, match=r"does not run: CUDA failure 100: no CUDA-capable device is detected$"
    ):
        open_model(detector, place(tmp_path))
    runtime(raises=states.NotImplemented("NonMaxSuppression(99) is not implemented"))
    with pytest.raises(ModelRefused, match="cannot open the file"):
        open_model(detector, place(tmp_path))


def test_a_provider_that_fails_in_the_middle_of_a_run_is_not_replaced(tmp_path):
    """ONNX Runtime would make a session of the processor instead, print a line and go on."""
    session = open_onnx.open_session(colour_classifier(tmp_path / "m.onnx"), providers=("CPUExecutionProvider",))
    failed = states.EPFail

    class Failing:
        """The session below the session, whose provider fails while it runs."""

        below = session._session._sess

        def __getattr__(self, name):
            return getattr(self.below, name)

        def run(self, *_):
            raise failed("the card fell off the bus")

    session._session._sess = Failing()
    with pytest.raises(failed, match="fell off the bus"):
        session.run(np.zeros((1, 3, 32, 32), np.float32))


def test_every_runtime_has_its_kind_of_device():
    assert PROVIDERS.keys() == KINDS.keys() - {"hailo"}
