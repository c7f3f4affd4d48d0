"""Opens ONNX files as sessions; the only import of ONNX Runtime."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ai_worker.inference.types import Axis, Tensor
from ai_worker.model_store.errors import ModelRefused, ProviderUnavailable, RuntimeAbsent
from ai_worker.model_store.places import Place, devices_of
from ai_worker.model_store.tap import with_outputs

PROVIDERS: dict[str, tuple[str, ...]] = {
    "onnx-cpu": ("CPUExecutionProvider",),
    "onnx-tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider"),
    "onnx-cuda": ("CUDAExecutionProvider",),
    "onnx-rocm": ("ROCMExecutionProvider",),
    "onnx-openvino": ("OpenVINOExecutionProvider",),
    "onnx-coreml": ("CoreMLExecutionProvider",),
    "onnx-directml": ("DmlExecutionProvider",),
}
"""What each runtime of the catalogue asks ONNX Runtime for; those after the first take what the first leaves."""
_ON_PROCESSOR = "CPUExecutionProvider"
_DTYPES: dict[str, str] = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
_ERRORS_ONLY = 3


def available_providers() -> tuple[str, ...]:
    """The providers that the installed ONNX Runtime was built with; whether each works is proved by running."""
    return tuple(_runtime().get_available_providers())


class OpenSession:
    """One warm session; `run` may be called from several threads."""

    def __init__(
        self,
        session: Any,
        provider: str,
        tapped: frozenset[str] = frozenset(),
        *,
        place: Place | None = None,
        bound: bool = False,
    ) -> None:
        self._session = session
        self._place = place or Place()
        self._bound: _Bindings | None = _Bindings(session, provider, self._place) if bound else None
        self.provider = provider
        self.tapped = tapped
        """Outputs that are not the file's own: inner values that were asked for."""
        self.input = _axis(session.get_inputs()[0])
        self.outputs: tuple[Axis, ...] = tuple(_axis(output) for output in session.get_outputs())
        self._names = [output.name for output in self.outputs]

    @property
    def device(self) -> str:
        """What it computes on, in words, with what the device left to the processor."""
        left, nodes = _left_to_processor(self._session)
        if self.provider == _ON_PROCESSOR or not left:
            return self._place.device
        return f"{self._place.device}, {left} of {nodes} nodes on cpu"

    @property
    def precision(self) -> str:
        """The type of numbers that it computes with."""
        return "float16" if self.provider == "TensorrtExecutionProvider" else self.input.dtype

    def run(self, tensor: Tensor) -> list[Tensor]:
        """One forward pass; the arrays are in the order of `outputs`."""
        if self._bound is not None:
            return self._bound.run(tensor)
        return [np.asarray(output) for output in self._session.run(self._names, {self.input.name: tensor})]


class _Bindings:
    """Forward passes over memory of the device that is bound once.

    Batches are filled up to the next power of two, so that a model meets few shapes: for each there is one input on
    the device, and one engine, at the most.
    """

    def __init__(self, session: Any, provider: str, place: Place) -> None:
        self._session = session
        self._input = session.get_inputs()[0]
        self._outputs = [output.name for output in session.get_outputs()]
        self._fixed = isinstance(self._input.shape[0], int)
        self._memory = _MEMORY.get(provider, "cpu")
        self._index = place.index if self._memory != "cpu" else 0
        self._idle: dict[tuple[int, ...], list[tuple[Any, Any, Tensor]]] = {}
        self._lock = threading.Lock()

    def run(self, tensor: Tensor) -> list[Tensor]:
        """The outputs on the host, without what was filled up."""
        count = tensor.shape[0]
        shape = tensor.shape if self._fixed else (1 << (count - 1).bit_length(), *tensor.shape[1:])
        with self._lock:
            idle = self._idle.setdefault(shape, [])
            bound = idle.pop() if idle else None
        binding, value, staging = bound or self._bind(shape, tensor.dtype)
        staging[:count] = tensor
        staging[count:] = 0
        value.update_inplace(staging)
        binding.synchronize_inputs()
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        outputs = [np.array(output) for output in binding.copy_outputs_to_cpu()]
        with self._lock:
            idle.append((binding, value, staging))
        return [output[:count] if output.shape[:1] == shape[:1] else output for output in outputs]

    def _bind(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Any, Any, Tensor]:
        staging = np.zeros(shape, dtype)
        value = _runtime().OrtValue.ortvalue_from_numpy(staging, self._memory, self._index)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(self._input.name, value)
        for name in self._outputs:
            binding.bind_output(name, "cpu")
        return binding, value, staging


_MEMORY = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "cuda", "ROCMExecutionProvider": "cuda"}
"""Whose inputs lie on the device; the others are given what lies on the host."""


def open_session(
    path: Path,
    *,
    providers: Sequence[str],
    threads: int = 1,
    also: Sequence[str] = (),
    place: Place | None = None,
    bound: bool | None = None,
) -> OpenSession:
    """A session on exactly the first of `providers`; `also` names inner values to bring out beside the outputs.

    Accelerators are run over bound memory; `bound` says it for the processor too.
    """
    runtime = _runtime()
    wanted = providers[0]
    if wanted not in runtime.get_available_providers():
        raise ProviderUnavailable(
            f"{wanted} was asked for; this ONNX Runtime has {', '.join(runtime.get_available_providers())}"
        )
    place = place or _first_place(wanted, threads)
    model, tapped = with_outputs(path, also)
    if place.cache is not None:
        place.cache.mkdir(parents=True, exist_ok=True)
    asked = [(provider, _provider_options(provider, place)) for provider in providers]
    try:
        session = runtime.InferenceSession(model, sess_options=_session_options(runtime, threads), providers=asked)
    except Exception as problem:  # ONNX Runtime raises a family of its own for each of its status codes
        raise ModelRefused("does-not-run", f"ONNX Runtime cannot open the file: {first_line(problem)}") from problem
    got = session.get_providers()
    if got[0] != wanted:
        raise ProviderUnavailable(f"{wanted} was asked for, and ONNX Runtime would use {got[0]}")
    if len(session.get_inputs()) != 1:
        raise ModelRefused("inputs", f"{len(session.get_inputs())} inputs were seen; expected one picture")
    over = wanted != _ON_PROCESSOR if bound is None else bound
    return OpenSession(session, wanted, tapped, place=place, bound=over)


def first_line(problem: Exception) -> str:
    """What a runtime complained about, without its trace."""
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:300]


def _session_options(runtime: Any, threads: int) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the other threads decode meanwhile
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options


def _first_place(provider: str, threads: int) -> Place:
    runtime = next(runtime for runtime, providers in PROVIDERS.items() if providers[0] == provider)
    return Place(runtime, devices_of(runtime, ())[0], threads)


def _provider_options(provider: str, place: Place) -> dict[str, str]:
    """What a provider is told beside its name; the keys are those of its page in ONNX Runtime's documentation."""
    match provider:
        case "CUDAExecutionProvider" | "ROCMExecutionProvider" | "DmlExecutionProvider":
            return {"device_id": str(place.index)}
        case "OpenVINOExecutionProvider":
            return {"device_type": "AUTO"}
        case "TensorrtExecutionProvider":
            options = {"device_id": str(place.index), "trt_fp16_enable": "1"}
            if place.cache is None:
                return options
            return options | {
                "trt_engine_cache_enable": "1",
                "trt_engine_cache_path": str(place.cache),
                "trt_timing_cache_enable": "1",
                "trt_timing_cache_path": str(place.cache),
            }
        case _:
            return {}


def _left_to_processor(session: Any) -> tuple[int, int]:
    """How many nodes run on the processor whatever was asked for, and how many there are."""
    nodes = [(part.ep_name, len(part.get_nodes())) for part in session.get_provider_graph_assignment_info()]
    return sum(count for provider, count in nodes if provider == _ON_PROCESSOR), sum(count for _, count in nodes)


def _axis(entry: Any) -> Axis:
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in entry.shape)
    return Axis(entry.name, shape, _DTYPES.get(entry.type, str(entry.type)))


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as problem:
        raise RuntimeAbsent(
            "ONNX Runtime is not installed: install ai-worker[cpu], or ai-worker[gpu] for an NVIDIA card"
        ) from problem
    return onnxruntime
