"""A tiny detector that one kind of picture kills, and files of which it is known how they must end."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from tests.support.make.bad_pictures import mp4
from tests.support.make.inference import encoded, painted
from tests.support.networks import CELL, save
from trapper_schemas.ids import uuid7

RED, WHITE = (255, 0, 0), (255, 255, 255)
_SIDE = 128
_ALMOST_WHITE = 0.97
GIANT_SIDE = 600


class Fate(StrEnum):
    """How a file must end, whatever the weather."""

    SEEN = "seen"
    DEADLY = "kills whoever looks"
    TOO_LARGE = "too many pixels for a worker"
    UNREADABLE = "no picture, so that no job has it"


@dataclass
class Picture:
    """A file, how many animals are painted in it, and how it must end."""

    content: bytes
    animals: int
    fate: Fate = Fate.SEEN
    resource_id: str = ""

    @property
    def sha256(self) -> str:
        """Its name everywhere."""
        return hashlib.sha256(self.content).hexdigest()


def picture(animals: int, fate: Fate = Fate.SEEN) -> Picture:
    """Red squares on black, and a number of its own in the last row, so that no two files are the same."""
    squares = [(column, 0, RED) for column in range(animals)] + ([(3, 3, WHITE)] if fate is Fate.DEADLY else [])
    side = GIANT_SIDE if fate is Fate.TOO_LARGE else _SIDE
    pixels = painted(squares, width=side, height=side)
    mark = np.frombuffer(uuid7().bytes, dtype=np.uint8) // 8
    pixels[-1, : len(mark), :] = mark[:, None]
    return Picture(encoded(pixels), animals, fate)


def no_picture(number: int) -> Picture:
    """A video, a text, or the first half of a picture, each with bytes of its own."""
    noise = encoded(np.random.default_rng(number).integers(0, 255, (_SIDE, _SIDE, 3), dtype=np.uint8))
    content = (mp4(), b"This is no picture.\n", noise[: len(noise) // 2])[number % 3]
    return Picture(content + uuid7().hex.encode(), 0, Fate.UNREADABLE)


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
