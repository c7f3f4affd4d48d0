"""Opens ONNX files as sessions; the only import of ONNX Runtime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ai_worker.inference.types import Axis, Tensor
from ai_worker.model_store.errors import ModelRefused, ProviderUnavailable, RuntimeAbsent
from ai_worker.model_store.tap import with_outputs

PROVIDERS: dict[str, tuple[str, ...]] = {
    "onnx-cpu": ("CPUExecutionProvider",),
    "onnx-cuda": ("CUDAExecutionProvider",),
}
"""What each runtime of the catalogue asks ONNX Runtime for."""
_DTYPES: dict[str, str] = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
_ERRORS_ONLY = 3


def available_providers() -> tuple[str, ...]:
    """The providers that the installed ONNX Runtime was built with; whether each works is proved by running."""
    return tuple(_runtime().get_available_providers())


class OpenSession:
    """One warm session; `run` may be called from several threads."""

    def __init__(self, session: Any, provider: str, tapped: frozenset[str] = frozenset()) -> None:
        self._session = session
        self.provider = provider
        self.tapped = tapped
        """Outputs that are not the file's own: inner values that were asked for."""
        entry = session.get_inputs()[0]
        self.input = _axis(entry)
        self.outputs: tuple[Axis, ...] = tuple(_axis(output) for output in session.get_outputs())
        self._names = [output.name for output in self.outputs]

    @property
    def device(self) -> str:
        """What it computes on, in words."""
        return "cpu" if self.provider == "CPUExecutionProvider" else f"{_runtime().get_device().lower()}:0"

    @property
    def precision(self) -> str:
        """The type of numbers that goes in."""
        return self.input.dtype

    def run(self, tensor: Tensor) -> list[Tensor]:
        """One forward pass; the arrays are in the order of `outputs`."""
        return [np.asarray(output) for output in self._session.run(self._names, {self.input.name: tensor})]


def open_session(path: Path, *, providers: Sequence[str], threads: int = 1, also: Sequence[str] = ()) -> OpenSession:
    """A session on exactly the first of `providers`; `also` names inner values to bring out beside the outputs."""
    runtime = _runtime()
    wanted = providers[0]
    if wanted not in runtime.get_available_providers():
        raise ProviderUnavailable(
            f"{wanted} was asked for; this ONNX Runtime has {', '.join(runtime.get_available_providers())}"
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    model, tapped = with_outputs(path, also)
    try:
        session = runtime.InferenceSession(model, sess_options=options, providers=list(providers))
    except Exception as problem:  # ONNX Runtime raises a family of its own for each of its status codes
        raise ModelRefused("does-not-run", f"ONNX Runtime cannot open the file: {first_line(problem)}") from problem
    got = session.get_providers()
    if got[0] != wanted:
        raise ProviderUnavailable(f"{wanted} was asked for, and ONNX Runtime would use {got[0]}")
    if len(session.get_inputs()) != 1:
        raise ModelRefused("inputs", f"{len(session.get_inputs())} inputs were seen; expected one picture")
    return OpenSession(session, wanted, tapped)


def first_line(problem: Exception) -> str:
    """What a runtime complained about, without its trace."""
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:300]


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
