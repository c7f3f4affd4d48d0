"""Runs a session over device memory that is bound once, with smaller batches where memory is short."""

import logging
import sys
import threading
from typing import Any

import numpy as np

from ai_worker.inference.types import Tensor
from ai_worker.model_store.errors import first_line
from ai_worker.model_store.pass_limit import PassLimit
from ai_worker.model_store.places import Place
from ai_worker.model_store.provider_options import MEMORY, filled_up
from trapper_kit.logs import log

_NO_MEMORY = ("failed to allocate memory", "out of memory", "alloc_failed")
"""How ONNX Runtime's arena, CUDA and cuDNN say that a device is full."""


class BoundMemory:
    """Forward passes over memory of the device that is bound once.

    Batches are filled up to the next power of two, so that a model meets few shapes: for each there is one input on
    the device, and one engine, at the most. A batch for which the device has no memory is halved, from then on.
    """

    def __init__(self, session: Any, provider: str, place: Place, values: Any, limit: PassLimit) -> None:
        self._session = session
        self._values = values
        self._limit = limit
        self._input = session.get_inputs()[0]
        self._outputs = [output.name for output in session.get_outputs()]
        self._fixed = isinstance(self._input.shape[0], int)
        self._memory = MEMORY.get(provider, "cpu")
        self._index = place.index if self._memory != "cpu" else 0
        self._idle: dict[tuple[int, ...], list[tuple[Any, Any, Tensor]]] = {}
        self._most = sys.maxsize
        """So many pictures the device has memory for."""
        self._lock = threading.Lock()

    def run(self, tensor: Tensor) -> list[Tensor]:
        """Returns the outputs on the host, without padding."""
        count, most = tensor.shape[0], self._most
        if count > most:
            parts = [self.run(tensor[start : start + most]) for start in range(0, count, most)]
            return [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]
        try:
            return self._run(tensor)
        except Exception as problem:  # ONNX Runtime raises a family of its own for each of its status codes
            if self._fixed or count == 1 or not _is_lack_of_memory(problem):
                raise
            self._take_less(filled_up(count) // 2, problem)
        return self.run(tensor)

    def _run(self, tensor: Tensor) -> list[Tensor]:
        count = tensor.shape[0]
        shape = tensor.shape if self._fixed else (filled_up(count), *tensor.shape[1:])
        with self._lock:
            idle = self._idle.setdefault(shape, [])
            bound = idle.pop() if idle else None
        binding, value, staging = bound or self._bind(shape, tensor.dtype)
        staging[:count] = tensor
        staging[count:] = 0
        value.update_inplace(staging)
        binding.synchronize_inputs()
        with self._limit.limited(count) as options:
            self._session.run_with_iobinding(binding, options)
        binding.synchronize_outputs()
        outputs = [np.array(output) for output in binding.copy_outputs_to_cpu()]
        with self._lock:
            idle.append((binding, value, staging))
        return [output[:count] if output.shape[:1] == shape[:1] else output for output in outputs]

    def _take_less(self, most: int, problem: Exception) -> None:
        with self._lock:
            self._most = min(self._most, most)
            self._idle.clear()  # what was bound for larger batches is in the way
        log("device.full", level=logging.WARNING, pictures_per_pass=most, problem=first_line(problem))

    def _bind(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Any, Any, Tensor]:
        staging = np.zeros(shape, dtype)
        value = self._values.ortvalue_from_numpy(staging, self._memory, self._index)
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(self._input.name, value)
        for name in self._outputs:
            binding.bind_output(name, "cpu")
        return binding, value, staging


def _is_lack_of_memory(problem: Exception) -> bool:
    return any(sign in str(problem).lower() for sign in _NO_MEMORY)
