"""A tiny detector that one kind of picture kills, and pictures of which it is known what must be seen in them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from tests.support.make.inference import encoded, painted
from tests.support.networks import CELL, save
from trapper_schemas.ids import uuid7

RED, WHITE = (255, 0, 0), (255, 255, 255)
_SIDE = 128
_ALMOST_WHITE = 0.97


@dataclass
class Picture:
    """A file, how many animals are painted in it, and whether it kills whoever looks."""

    content: bytes
    animals: int
    poison: bool = False
    resource_id: str = ""

    @property
    def sha256(self) -> str:
        """Its name everywhere."""
        return hashlib.sha256(self.content).hexdigest()


def picture(animals: int, *, poison: bool = False) -> Picture:
    """Red squares on black, and a number of its own in the last row, so that no two files are the same."""
    pixels = painted([(column, 0, RED) for column in range(animals)] + ([(3, 3, WHITE)] if poison else []))
    mark = np.frombuffer(uuid7().bytes, dtype=np.uint8) // 8
    pixels[-1, : len(mark), :] = mark[:, None]
    return Picture(encoded(pixels), animals, poison)


def deadly_detector(path: Path) -> Path:
    """The colour detector of `networks`, and one division more: a white square makes it the smallest number over -1.

    No whole number of 32 bits is the answer, and on x86 the processor ends the process that asks (SIGFPE); the runtime
    looks for zeros only.
    """
    across = _SIDE // CELL
    y, x = np.divmod(np.arange(across * across), across)
    boxes = np.stack([x * CELL + CELL / 2, y * CELL + CELL / 2, 0 * x + CELL, 0 * x + CELL]).astype(np.float32)
    node = helper.make_node
    return save(
        path,
        [
            node("AveragePool", ["images"], ["cells"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
            node("Reshape", ["cells", "as_rows"], ["scores"]),
            node("ReduceMin", ["scores"], ["darkest"], axes=[1], keepdims=1),
            node("ReduceMax", ["darkest"], ["whitest"], keepdims=1),
            node("Less", ["whitest", "almost"], ["harmless"]),
            node("Cast", ["harmless"], ["one_or_none"], to=TensorProto.INT32),
            node("Add", ["one_or_none", "one_or_none"], ["two_or_none"]),
            node("Sub", ["two_or_none", "one"], ["divisor"]),
            node("Div", ["smallest", "divisor"], ["deadly"]),
            node("Cast", ["deadly"], ["quotient"], to=TensorProto.FLOAT),
            node("Mul", ["quotient", "zero"], ["nothing"]),
            node("ReduceSum", ["scores", "axis"], ["sum"], keepdims=1),
            node("Mul", ["sum", "zero"], ["nothing_each"]),
            node("Add", ["nothing_each", "nothing"], ["no_offset"]),
            node("Add", ["no_offset", "boxes"], ["places"]),
            node("Concat", ["places", "scores"], ["output"], axis=1),
        ],
        shape=["batch", 3, _SIDE, _SIDE],
        outputs={"output": ["batch", 7, across * across]},
        constants={
            "as_rows": np.asarray([0, 3, -1], dtype=np.int64),
            "axis": np.asarray([1], dtype=np.int64),
            "zero": np.zeros((), dtype=np.float32),
            "almost": np.asarray(_ALMOST_WHITE, dtype=np.float32),
            "one": np.ones((), dtype=np.int32),
            "smallest": np.asarray(-(2**31), dtype=np.int32),
            "boxes": boxes[None],
        },
    )
