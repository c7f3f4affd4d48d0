"""The vendor's hailo_platform as far as the Worker calls it, without a device and strict about order and types.

It refuses what HailoRT 4.x refuses: a device opened twice, streams used outside their block or before the group is
active, inputs of another name, shape or type. Networks are functions from pictures to outputs.
"""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np

Network = Callable[[np.ndarray], Any]


class HailoRTException(Exception):  # noqa: N818 - the vendor's name
    """What the vendor's calls raise."""


FormatType = Enum("FormatType", ["AUTO", "UINT8", "UINT16", "FLOAT32"])
FormatOrder = Enum("FormatOrder", ["NHWC", "NC", "HAILO_NMS", "HAILO_NMS_BY_CLASS", "HAILO_NMS_WITH_BYTE_MASK"])
HailoStreamInterface = Enum("HailoStreamInterface", ["PCIe", "ETH"])
HailoSchedulingAlgorithm = Enum("HailoSchedulingAlgorithm", ["NONE", "ROUND_ROBIN"])


@dataclass
class Format:
    order: Any


@dataclass
class VStreamInfo:
    name: str
    shape: tuple[int, ...]
    format: Format


@dataclass
class Bench:
    """What is plugged in, and what was done with it."""

    devices: list[str] = field(default_factory=lambda: ["0000:01:00.0"])
    networks: dict[str, Network] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)


def hef_file(path: Path, name: str, size: int, outputs: dict[str, tuple[str, tuple[int, ...]]]) -> Path:
    """A file that the fake reads as HEF: one input, outputs by name with their order and shape."""
    path.write_text(json.dumps({"name": name, "size": size, "outputs": outputs}), "utf-8")
    return path


class _Group:
    def __init__(self, bench: Bench, hef: Any, *, scheduled: bool) -> None:
        self.bench, self.hef, self.scheduled = bench, hef, scheduled
        self.active = False

    def create_params(self) -> dict[str, Any]:
        return {"of": self}

    @contextmanager
    def activate(self, params: dict[str, Any]) -> Generator[None, None, None]:
        if params["of"] is not self:
            raise HailoRTException("HAILO_INVALID_ARGUMENT: parameters of another network group")
        self.active = True
        self.bench.calls.append("activate")
        try:
            yield
        finally:
            self.active = False


class HEF:
    """A compiled network."""

    def __init__(self, path: str) -> None:
        try:
            known = json.loads(Path(path).read_text("utf-8"))
        except ValueError as problem:
            raise HailoRTException("HAILO_INVALID_HEF") from problem
        self.name = known["name"]
        self.inputs = [VStreamInfo(f"{self.name}/input", (known["size"], known["size"], 3), Format(FormatOrder.NHWC))]
        self.outputs = [
            VStreamInfo(name, tuple(shape), Format(FormatOrder[order]))
            for name, (order, shape) in known["outputs"].items()
        ]

    def get_input_vstream_infos(self) -> list[VStreamInfo]:
        return self.inputs

    def get_output_vstream_infos(self) -> list[VStreamInfo]:
        return self.outputs


class Device:
    """What is plugged in."""

    bench: ClassVar[Bench]

    @classmethod
    def scan(cls) -> list[str]:
        return list(cls.bench.devices)


class VDevice:
    """A device that this process holds."""

    bench: ClassVar[Bench]

    def __init__(self, params: Any = None, *, device_ids: list[str] | None = None) -> None:
        self.ids = device_ids or self.bench.devices[:1]
        if not self.ids or self.bench.open & set(self.ids):
            raise HailoRTException("HAILO_OUT_OF_PHYSICAL_DEVICES")
        self.scheduled = params is not None and params.scheduling_algorithm is HailoSchedulingAlgorithm.ROUND_ROBIN
        self.groups: list[_Group] = []
        self.bench.open |= set(self.ids)
        self.bench.calls.append("vdevice")

    @staticmethod
    def create_params() -> Any:
        return type("Params", (), {"scheduling_algorithm": HailoSchedulingAlgorithm.NONE})()

    def configure(self, hef: Any, how: dict[str, Any]) -> list[_Group]:
        if not isinstance(hef, HEF) or how.get("hef") is not hef:
            raise HailoRTException("HAILO_INVALID_ARGUMENT: parameters of another file")
        if self.groups and not self.scheduled:
            raise HailoRTException("HAILO_INVALID_OPERATION: one network group without a scheduler")
        self.groups.append(_Group(self.bench, hef, scheduled=self.scheduled))
        self.bench.calls.append("configure")
        return [self.groups[-1]]

    def release(self) -> None:
        self.bench.open -= set(self.ids)


class ConfigureParams:
    """How a file is put onto a device."""

    @staticmethod
    def create_from_hef(hef: Any, interface: Any) -> dict[str, Any]:
        if not isinstance(interface, HailoStreamInterface):
            raise HailoRTException("HAILO_INVALID_ARGUMENT: interface")
        return {"hef": hef}


class VStreamParams:
    """Of streams into or out of a network group."""

    @staticmethod
    def make(group: Any, *, format_type: Any = FormatType.AUTO) -> dict[str, Any]:
        if not isinstance(group, _Group):
            raise HailoRTException("HAILO_INVALID_ARGUMENT: the network group is not configured")
        return {"group": group, "type": format_type}


class InferVStreams:
    """The way in and out, usable inside its block."""

    bench: ClassVar[Bench]

    def __init__(self, group: _Group, into: dict[str, Any], out: dict[str, Any], tf_nms_format: bool = False) -> None:
        if into["group"] is not group or out["group"] is not group or tf_nms_format:
            raise HailoRTException("HAILO_INVALID_ARGUMENT: streams of another group")
        self.group, self.into, self.out, self.entered = group, into, out, False

    def __enter__(self) -> Self:
        self.entered = True
        self.bench.calls.append("streams")
        return self

    def __exit__(self, *_: object) -> None:
        self.entered = False

    def infer(self, data: dict[str, np.ndarray]) -> dict[str, Any]:
        if not self.entered or not (self.group.active or self.group.scheduled):
            raise HailoRTException("HAILO_NETWORK_GROUP_NOT_ACTIVATED")
        hef = self.group.hef
        (wanted,) = hef.inputs
        if set(data) != {wanted.name}:
            raise HailoRTException(f"HAILO_NOT_FOUND: {sorted(data)}")
        pictures = data[wanted.name]
        if pictures.shape[1:] != wanted.shape or not pictures.flags.c_contiguous:
            raise HailoRTException(f"HAILO_INVALID_ARGUMENT: {pictures.shape}")
        if self.into["type"] is not FormatType.UINT8 or pictures.dtype != np.uint8:
            raise HailoRTException(f"{wanted.name} numpy array item size is {pictures.dtype.itemsize}, not 1")
        if self.out["type"] is not FormatType.FLOAT32:
            raise HailoRTException("HAILO_INVALID_ARGUMENT: outputs were not asked for in real numbers")
        self.bench.calls.append("infer")
        return self.bench.networks[hef.name](pictures)


def fake_platform(bench: Bench) -> ModuleType:
    """A module to stand in sys.modules as hailo_platform."""
    module = ModuleType("hailo_platform")
    for known in (HEF, ConfigureParams, FormatType, FormatOrder, HailoStreamInterface, HailoSchedulingAlgorithm):
        setattr(module, known.__name__, known)
    for bound in (Device, VDevice, InferVStreams):
        setattr(module, bound.__name__, type(bound.__name__, (bound,), {"bench": bench}))
    vars(module).update(
        InputVStreamParams=VStreamParams, OutputVStreamParams=VStreamParams, HailoRTException=HailoRTException
    )
    return module
