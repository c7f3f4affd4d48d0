"""Opens HEF files on a Hailo device; the only import of hailo_platform, which is on no package index.

The calls and their order are those of the vendor's own example and source (docs/hailo.md): configure the device with
the file, make the parameters of the virtual streams, open the streams, activate the network group, infer.
"""

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np

from ai_worker.inference.types import Axis, Floats, Tensor
from ai_worker.model_store.errors import ModelRefused, ProviderUnavailable, RuntimeAbsent
from ai_worker.model_store.places import Place

PROVIDER = "HailoRT"
_CORNERS_AND_SCORE = 5
_CHANNELS = 3
_BY_CLASS = ("HAILO_NMS_BY_CLASS", "HAILO_NMS")
"""How outputs are ordered in which the device, or its runtime, has suppressed overlapping boxes."""
_END_TO_END = "detections"
"""What the output is called when the network suppresses overlapping boxes by itself: n x 6, as YOLOv10 gives it."""


def hailo_installed() -> bool:
    """Whether the vendor's package can be imported here."""
    return find_spec("hailo_platform") is not None


class HailoSession:
    """One network on one device; thread-safe, one run at a time."""

    provider = PROVIDER
    precision = "uint8"
    tapped: frozenset[str] = frozenset()

    def __init__(self, streams: Any, inputs: Any, outputs: Sequence[Any], place: Place) -> None:
        self._streams = streams
        self._lock = threading.Lock()
        self.device = place.device
        self.input = Axis(inputs.name, (None, *inputs.shape), "uint8")
        self._suppressed = _order(outputs[0]) in _BY_CLASS
        self.outputs: tuple[Axis, ...] = (
            (Axis(_END_TO_END, (None, None, 6), "float32"),)
            if self._suppressed
            else tuple(Axis(output.name, (None, *output.shape), "float32") for output in outputs)
        )

    def run(self, tensor: Tensor) -> list[Tensor]:
        """Returns the outputs of these pictures as real numbers."""
        if tensor.dtype != np.uint8 or tensor.shape[1:] != self.input.shape[1:]:
            raise ValueError(f"a picture of {tensor.dtype} {tensor.shape[1:]}; expected uint8 {self.input.shape[1:]}")
        with self._lock:
            results = self._streams.infer({self.input.name: np.ascontiguousarray(tensor)})
        if self._suppressed:
            (frames,) = results.values()
            height, width = tensor.shape[1:3]
            return [_end_to_end(frames, width, height)]
        return [np.asarray(results[output.name], dtype=np.float32) for output in self.outputs]


class _Devices:
    """The devices of this process, shared by its networks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, Any] = {}

    def configure(self, platform: Any, hef: Any, place: Place) -> Any:
        """Returns the network group of this file on this device, and opens the device at first use."""
        with self._lock:
            if place.index not in self._open:
                self._open[place.index] = _open_device(platform, place)
            device = self._open[place.index]
            how = platform.ConfigureParams.create_from_hef(hef, interface=platform.HailoStreamInterface.PCIe)
            return device.configure(hef, how)[0]

    def hold(self, platform: Any, place: Place) -> None:
        """Opens this device, unless this process has it already."""
        with self._lock:
            if place.index not in self._open:
                self._open[place.index] = _open_device(platform, place)

    def release(self) -> None:
        """Releases every device."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].release()


devices = _Devices()


def check_device(place: Place) -> None:
    """Raises RuntimeAbsent or ProviderUnavailable when this device is missing or in use."""
    platform = _platform()
    try:
        devices.hold(platform, place)
    except ProviderUnavailable:
        raise
    except Exception as problem:  # the vendor raises a family of its own
        raise ProviderUnavailable(f"{place.device} cannot be opened: {problem}") from problem


def open_hef(path: Path, place: Place) -> HailoSession:
    """Returns a network on this device; RuntimeAbsent, ProviderUnavailable or ModelRefused say why not.

    Device and streams are held until the process ends, as its other sessions are.
    """
    platform = _platform()
    try:
        hef = platform.HEF(str(path))
    except Exception as problem:  # the vendor raises a family of its own
        raise ModelRefused("not-hef", f"HailoRT cannot read the file: {problem}") from problem
    inputs, outputs = hef.get_input_vstream_infos(), hef.get_output_vstream_infos()
    _check_ends(inputs, outputs)
    try:
        group = devices.configure(platform, hef, place)
        into = platform.InputVStreamParams.make(group, format_type=platform.FormatType.UINT8)
        out = platform.OutputVStreamParams.make(group, format_type=platform.FormatType.FLOAT32)
        with ExitStack() as stack:
            streams = stack.enter_context(platform.InferVStreams(group, into, out))
            stack.enter_context(group.activate(group.create_params()))
            stack.pop_all()
    except ProviderUnavailable:
        raise
    except Exception as problem:
        raise ProviderUnavailable(f"{place.device} cannot run the file: {problem}") from problem
    return HailoSession(streams, inputs[0], outputs, place)


def _open_device(platform: Any, place: Place) -> Any:
    there = platform.Device.scan()
    if place.index >= len(there):
        raise ProviderUnavailable(f"{place.device} was asked for, and {len(there)} Hailo devices are there")
    how = platform.VDevice.create_params()
    how.scheduling_algorithm = platform.HailoSchedulingAlgorithm.ROUND_ROBIN
    return platform.VDevice(how, device_ids=[there[place.index]])


def _check_ends(inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
    if len(inputs) != 1 or len(inputs[0].shape) != 3 or inputs[0].shape[2] != _CHANNELS:  # noqa: PLR2004 - h, w, c
        seen = ", ".join("x".join(map(str, entry.shape)) for entry in inputs)
        raise ModelRefused("inputs", f"inputs of {seen} were seen; expected one of height x width x 3")
    orders = [_order(output) for output in outputs]
    if any("NMS" in order for order in orders) and (len(orders) > 1 or orders[0] not in _BY_CLASS):
        raise ModelRefused("outputs", f"outputs {', '.join(orders)} were seen; expected one of {', '.join(_BY_CLASS)}")


def _order(output: Any) -> str:
    return str(output.format.order).rpartition(".")[2]


def _end_to_end(frames: Sequence[Sequence[Tensor]], width: int, height: int) -> Floats:
    """Converts arrays of relative y, x, y, x, score per class into rows of x, y, x, y, score, class."""
    pictures: list[Floats] = []
    for classes in frames:
        rows = [
            np.column_stack([*_corners(detections, width, height), detections[:, 4], np.full(len(detections), label)])
            for label, detections in enumerate(classes)
            if len(detections)
        ]
        pictures.append(np.concatenate(rows).astype(np.float32) if rows else np.zeros((0, 6), np.float32))
    padded = np.zeros((len(pictures), max((len(rows) for rows in pictures), default=0), 6), np.float32)
    for picture, rows in zip(padded, pictures, strict=True):
        picture[: len(rows)] = rows
    return padded


def _corners(detections: Tensor, width: int, height: int) -> list[Tensor]:
    if detections.shape[1] != _CORNERS_AND_SCORE:
        raise ModelRefused("outputs", f"detections of {detections.shape[1]} numbers were seen; expected 5")
    top, left, bottom, right = detections[:, :4].T
    return [left * width, top * height, right * width, bottom * height]


def _platform() -> Any:
    try:
        import hailo_platform  # pyright: ignore[reportMissingImports] - comes with the vendor's driver
    except ImportError as problem:
        raise RuntimeAbsent("hailo_platform is not installed: docs/hailo.md says where it comes from") from problem
    return cast("Any", hailo_platform)
