"""Options of ONNX Runtime's providers; keys and values are those of its documentation.

The Python binding of TensorRT reads `True` and `False`, no other words, and refuses a key that it does not know.
"""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ai_worker.inference.types import Axis
from ai_worker.model_store.places import Place

CUDA, TENSORRT, CPU_PROVIDER = "CUDAExecutionProvider", "TensorrtExecutionProvider", "CPUExecutionProvider"
MEMORY = {CUDA: "cuda", TENSORRT: "cuda"}
"""Whose inputs lie on the device; the others are given what lies on the host."""
_TENSORRT_PACKAGES = ("tensorrt-cu13", "tensorrt-cu12", "tensorrt")
_PICTURE_AXES = 4
_NO_NAME = re.compile(r"[^\w.-]")


def options_of(provider: str, place: Place, profile: Mapping[str, str] | None = None) -> dict[str, str]:
    """Returns the options of one provider in one place; `profile` is for TensorRT (`shape_profile`)."""
    match provider:
        case "CUDAExecutionProvider" | "MIGraphXExecutionProvider" | "DmlExecutionProvider":
            return {"device_id": str(place.index)}
        case "OpenVINOExecutionProvider":
            return {"device_type": "AUTO"}
        case "TensorrtExecutionProvider":
            return {**_tensorrt(place), **(profile or {})}
        case _:
            return {}


def _tensorrt(place: Place) -> dict[str, str]:
    options = {"device_id": str(place.index), "trt_fp16_enable": str(place.half)}
    if place.cache is None:
        return options
    folder = str(engine_folder(place.cache, place))
    return options | {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": folder,
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": folder,
    }


def shape_profile(entry: Axis, layout: str, place: Place) -> dict[str, str]:
    """Returns the smallest, the usual and the largest input for a file with open sides; else nothing.

    Without it TensorRT builds an engine for the first batch that it meets, and another for each larger one.
    """
    if None not in entry.shape or len(entry.shape) != _PICTURE_AXES:
        return {}
    picture = _picture(entry, layout, place)
    if None in picture:
        return {}
    fixed = entry.shape[0]
    batches = (fixed, fixed, fixed) if fixed else (1, filled_up(place.usual_batch), filled_up(place.largest_batch))
    names = ("trt_profile_min_shapes", "trt_profile_opt_shapes", "trt_profile_max_shapes")
    return {
        name: f"{entry.name}:{'x'.join(str(side) for side in (batch, *picture))}"
        for name, batch in zip(names, batches, strict=True)
    }


def _picture(entry: Axis, layout: str, place: Place) -> Sequence[int | None]:
    """Returns the shape of one picture; open sides take the size of the preprocessing."""
    height, width = place.sides or (None, None)
    made = (height, width, 3) if layout == "nhwc" else (3, height, width)
    return [side or made_side for side, made_side in zip(entry.shape[1:], made, strict=True)]


def filled_up(count: int) -> int:
    """Returns the padded batch size: the next power of two, so that a model meets few shapes."""
    return 1 << (count - 1).bit_length()


def engine_folder(cache: Path, place: Place) -> Path:
    """Returns the folder of engines for exactly this software, device and precision."""
    parts = [f"onnxruntime-{_version('onnxruntime-gpu') or _version('onnxruntime')}"]
    parts += [f"tensorrt-{number}" for number in map(_version, _TENSORRT_PACKAGES) if number][:1]
    parts += [place.hardware or place.device, "half" if place.half else "single"]
    return cache / _NO_NAME.sub("-", "_".join(parts))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
