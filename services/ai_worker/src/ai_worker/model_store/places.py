"""Where a model runs: a runtime, a device, and its share of the machine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ai_worker.model_store.errors import ProviderUnavailable

CPU = "onnx-cpu"
HAILO = "hailo"
KINDS = {
    "onnx-cuda": "cuda",
    CPU: "cpu",
    "onnx-tensorrt": "cuda",
    "onnx-rocm": "rocm",
    "onnx-openvino": "openvino",
    "onnx-coreml": "coreml",
    "onnx-directml": "directml",
    HAILO: "hailo",
}
"""By runtime: what its devices are called. Who asks for nothing gets the first that is here, CUDA or the processor: not
every model runs on the others, and not everything that they need is part of the package that offers them."""
_DEVICE = re.compile(r"(?P<kind>[a-z]+)(:(?P<index>[0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class Place:
    """One device and how it is used; `cache` is a folder for what a runtime builds once per model."""

    runtime: str = CPU
    device: str = "cpu"
    threads: int = 1
    cache: Path | None = None
    hardware: str = ""
    """What the device is, such as NVIDIA L4; empty when nobody knows."""
    half: bool = True
    """Whether the device may compute in float16 what the file says in float32, where it can do both."""
    usual_batch: int = 1
    largest_batch: int = 1
    """Pictures in one forward pass."""
    sides: tuple[int, int] | None = None
    """Height and width of the pictures that the model is given."""

    picture_seconds: float = 0.0
    """Longest time of a forward pass for each of its pictures; 0: no limit."""

    @property
    def index(self) -> int:
        """The number of the device among its kind."""
        return int(self.device.partition(":")[2] or 0)


def devices_of(runtime: str, requested: Sequence[str]) -> tuple[str, ...]:
    """Returns the requested devices, checked; without any, the first one of the runtime."""
    kind = KINDS[runtime]
    if not requested:
        return ("cpu",) if runtime == CPU else (f"{kind}:0",)
    for device in requested:
        parts = _DEVICE.fullmatch(device)
        if parts is None or parts["kind"] != kind:
            raise ProviderUnavailable(f"{device!r} is no device of {runtime}; expected such as '{kind}:0'")
    if len(set(requested)) < len(requested):
        raise ProviderUnavailable(f"a device is named twice in {', '.join(requested)}")
    return tuple(requested)


def runtime_of(devices: Sequence[str], offered: Sequence[str]) -> str | None:
    """Returns the first offered runtime of these devices; None without devices."""
    kinds = {device.partition(":")[0] for device in devices}
    return next((runtime for runtime in offered if {KINDS[runtime]} == kinds), None)
