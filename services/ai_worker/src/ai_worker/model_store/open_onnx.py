"""Opens ONNX files as sessions; the only import of ONNX Runtime."""

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ai_worker.inference.types import Axis, Tensor
from ai_worker.model_store.bound_memory import BoundMemory
from ai_worker.model_store.errors import ModelRefused, ProviderUnavailable, RuntimeAbsent, first_line
from ai_worker.model_store.pass_limit import PassLimit
from ai_worker.model_store.places import Place, devices_of
from ai_worker.model_store.provider_options import (
    CPU_PROVIDER,
    CUDA,
    TENSORRT,
    engine_folder,
    options_of,
)
from ai_worker.model_store.tap import with_outputs

PROVIDERS: dict[str, tuple[str, ...]] = {
    "onnx-cpu": (CPU_PROVIDER,),
    "onnx-tensorrt": (TENSORRT, CUDA),
    "onnx-cuda": (CUDA,),
    "onnx-rocm": ("MIGraphXExecutionProvider",),
    "onnx-openvino": ("OpenVINOExecutionProvider",),
    "onnx-coreml": ("CoreMLExecutionProvider",),
    "onnx-directml": ("DmlExecutionProvider",),
}
"""What each runtime of the catalogue asks ONNX Runtime for; those after the first take what the first leaves.

On ROCm that is MIGraphX: the provider that was called ROCm left ONNX Runtime with version 1.23.
"""
_DTYPES: dict[str, str] = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
_ERRORS_ONLY = 3
_THE_FILE = frozenset({"InvalidProtobuf", "InvalidGraph", "NoModel", "NoSuchFile", "NotImplemented"})
"""Errors of ONNX Runtime that say something about the file, whatever it was to run on."""


def available_providers() -> tuple[str, ...]:
    """Returns the providers of the installed ONNX Runtime; tests show whether each works."""
    return tuple(_runtime().get_available_providers())


class OpenSession:
    """One open session; thread-safe."""

    def __init__(
        self,
        session: Any,
        provider: str,
        tapped: frozenset[str] = frozenset(),
        *,
        place: Place | None = None,
        bound: bool = False,
        alone: bool = False,
    ) -> None:
        self._session = session
        self._place = place or Place()
        limit = PassLimit(self._place.picture_seconds, _runtime().RunOptions)
        self._limit = limit
        self._bound = BoundMemory(session, provider, self._place, _runtime().OrtValue, limit) if bound else None
        self.provider = provider
        self.tapped = tapped
        """Outputs that are not the file's own: inner values that were asked for."""
        entry = _axis(session.get_inputs()[0])
        self.input = replace(entry, shape=(1, *entry.shape[1:])) if alone and entry.shape[0] is None else entry
        self.outputs: tuple[Axis, ...] = tuple(_axis(output) for output in session.get_outputs())
        self._names = [output.name for output in self.outputs]

    @property
    def device(self) -> str:
        """The device as text, with what it left to the processor."""
        nodes = _assigned(self._session)
        if self.provider == CPU_PROVIDER or not nodes[CPU_PROVIDER]:
            return self._place.device
        return f"{self._place.device}, {nodes[CPU_PROVIDER]} of {nodes.total()} nodes on cpu"

    @property
    def precision(self) -> str:
        """The number type of its computations."""
        return "float16" if self.provider == TENSORRT and self._place.half else self.input.dtype

    def run(self, tensor: Tensor) -> list[Tensor]:
        """Runs one forward pass; returns arrays in the order of `outputs`. ModelTooSlow when it took too long."""
        if self._bound is not None:
            return self._bound.run(tensor)
        with self._limit.limited(len(tensor)) as options:
            outputs = self._session.run(self._names, {self.input.name: tensor}, options)
        return [np.asarray(output) for output in outputs]


def open_session(
    path: Path,
    *,
    providers: Sequence[str],
    threads: int = 1,
    also: Sequence[str] = (),
    place: Place | None = None,
    bound: bool | None = None,
    profile: Mapping[str, str] | None = None,
    alone: bool = False,
) -> OpenSession:
    """Returns a session on exactly the first of `providers`; `also` adds inner values to the outputs.

    Accelerators are run over bound memory; `bound` says it for the processor too. `profile` says which shapes
    TensorRT shall build its engine for. ONNX Runtime falls back to the processor when a provider cannot be had, and
    again in the middle of a run when one fails, with a line on standard output: both are switched off. `alone` gives a
    file that takes any number of pictures one at a time.
    """
    runtime = _runtime()
    provider = providers[0]
    if provider not in runtime.get_available_providers():
        raise ProviderUnavailable(
            f"{provider} was asked for; this ONNX Runtime has {', '.join(runtime.get_available_providers())}"
        )
    place = place or _first_place(provider, threads)
    model, tapped = with_outputs(path, also)
    if CUDA in providers:
        _load_cuda()
    if provider == TENSORRT and place.cache is not None:
        folder = engine_folder(place.cache, place)
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)  # its last use, by which it is evicted
    with_options = [(name, options_of(name, place, profile)) for name in providers]
    options = _session_options(runtime, threads)
    try:
        session = runtime.InferenceSession(model, sess_options=options, providers=with_options, enable_fallback=0)
    except Exception as problem:  # ONNX Runtime raises a family of its own for each of its status codes
        if provider != CPU_PROVIDER and type(problem).__name__ not in _THE_FILE:
            raise ProviderUnavailable(f"{provider} was asked for and does not run: {first_line(problem)}") from problem
        raise ModelRefused("does-not-run", f"ONNX Runtime cannot open the file: {first_line(problem)}") from problem
    session.disable_fallback()
    _check_provider(session, provider)
    if len(session.get_inputs()) != 1:
        raise ModelRefused("inputs", f"{len(session.get_inputs())} inputs were seen; expected one picture")
    over = provider != CPU_PROVIDER if bound is None else bound
    return OpenSession(session, provider, tapped, place=place, bound=over, alone=alone)


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


def _check_provider(session: Any, provider: str) -> None:
    """Raises ProviderUnavailable when another provider than the requested one would compute."""
    got = session.get_providers()
    if got[0] != provider:
        raise ProviderUnavailable(
            f"{provider} was asked for, and ONNX Runtime would use {got[0]}: the driver or a library is not there"
        )
    nodes = _assigned(session)
    if provider != CPU_PROVIDER and nodes.total() and nodes[CPU_PROVIDER] == nodes.total():
        raise ProviderUnavailable(f"{provider} was asked for, and takes none of the {nodes.total()} nodes of the file")


def _assigned(session: Any) -> Counter[str]:
    """Returns how many nodes each provider really runs."""
    nodes: Counter[str] = Counter()
    for part in session.get_provider_graph_assignment_info():
        nodes[part.ep_name] += len(part.get_nodes())
    return nodes


@cache
def _load_cuda() -> None:
    """Loads NVIDIA's libraries from the packages of the extra `gpu`, where the provider does not search."""
    preload = getattr(_runtime(), "preload_dlls", None)
    if preload is not None:
        with contextlib.redirect_stdout(sys.stderr):  # it prints what it did not find
            preload()


def _axis(entry: Any) -> Axis:
    shape = tuple(side if isinstance(side, int) and side > 0 else None for side in entry.shape)
    return Axis(entry.name, shape, _DTYPES.get(entry.type, str(entry.type)))


def _runtime() -> Any:
    """Returns the module `onnxruntime` with its telemetry off, which it reads once at import.

    `disable_telemetry_events` comes too late: a host is looked up and files are written in the home and TMPDIR anyway.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as problem:
        raise RuntimeAbsent(
            "ONNX Runtime is not installed: install ai-worker[cpu], or ai-worker[gpu] for an NVIDIA card"
        ) from problem
    return onnxruntime
