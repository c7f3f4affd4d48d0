"""Tests that a device computes at all, with a small network.

Called in the inference process, as everything is that may take a process along.
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ai_worker.devices.work import CannotRun, DeviceTest
from ai_worker.inference.types import Tensor
from ai_worker.model_store.errors import ProviderUnavailable, first_line
from ai_worker.model_store.open_hailo import PROVIDER as HAILO_PROVIDER
from ai_worker.model_store.open_hailo import check_device
from ai_worker.model_store.open_model import open_model
from ai_worker.model_store.places import HAILO, Place

_NETWORK = Path(__file__).with_name("try_device.onnx")
"""A convolution, a mean and a matrix, as every network has them, with random weights."""
_SIDE = 64
_MOST_DIFFERENT = 0.05
"""Halves of two decimals agree to a thousandth; a device that is further off computes something else."""


def try_device(place: Place) -> dict[str, Any]:
    """Returns name, speed and difference to the processor; ProviderUnavailable or CannotRun when it fails.

    A Hailo device runs nothing but files that were compiled for it, so that it only has to be there and free.
    """
    if place.runtime == HAILO:
        check_device(place)
        return asdict(DeviceTest(provider=HAILO_PROVIDER, device=place.device, seconds=0.0, difference=0.0))
    picture = _random(3, _SIDE, _SIDE)[None]
    expected = open_model(_NETWORK, Place()).run(picture)[0]
    session = open_model(_NETWORK, replace(place, cache=None))
    try:
        session.run(picture)  # the first one pays for memory and kernels
        start = time.perf_counter()
        seen = session.run(picture)[0]
        seconds = time.perf_counter() - start
    except Exception as problem:  # ONNX Runtime raises a family of its own for each of its status codes
        raise ProviderUnavailable(f"{session.provider} does not compute: {first_line(problem)}") from problem
    far = _difference(seen, expected)
    if not far <= _MOST_DIFFERENT:  # what is no number is not less than anything
        raise CannotRun("device-differs", f"{session.provider} on {place.device} computes other numbers: {far:.1%} off")
    return asdict(DeviceTest(provider=session.provider, device=session.device, seconds=seconds, difference=far))


def _difference(seen: Tensor, expected: Tensor) -> float:
    return float(np.abs(seen.astype(np.float64) - expected).max() / np.abs(expected).max())


def _random(*shape: int) -> Tensor:
    return np.random.Generator(np.random.PCG64(7)).uniform(-1, 1, shape).astype(np.float32)
