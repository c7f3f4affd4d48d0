"""JPEG files spoiled as cards and radios spoil them, and files that only look so."""

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

_SAMPLE = Path(__file__).parents[3] / "models" / "sample"
END = b"\xff\xd9"
HOLE = 20_000


@cache
def photos() -> list[bytes]:
    """Three photos of the sample set, with some 100 kB each."""
    return [
        next(iter(sorted(folder.glob("*.JPG")))).read_bytes() for folder in sorted(_SAMPLE.iterdir()) if folder.is_dir()
    ]


def _middle(data: bytes, content: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + content + data[at + len(content) :]


def _halves(data: bytes) -> bytes:
    other = next(photo for photo in photos() if photo != data)
    return data[: len(data) // 2] + other[len(other) // 2 :]


def _noise(data: bytes) -> bytes:
    return _middle(data, random.Random(1).randbytes(HOLE))  # noqa: S311 - no secret


def _noise_without_markers(data: bytes) -> bytes:
    return _middle(data, random.Random(1).randbytes(HOLE).replace(b"\xff", b"\x01"))  # noqa: S311 - no secret


DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    "20 kB zeroed": lambda data: _middle(data, bytes(HOLE)),
    "noise": _noise,
    "noise without markers": _noise_without_markers,
    "halves of two photos": _halves,
    "end marker in the middle": lambda data: data[: len(data) // 2] + END + data[len(data) // 2 :],
    "cut and ended": lambda data: data[: len(data) // 2] + END,
    "cut": lambda data: data[: len(data) // 2],
    "cut near the end and ended": lambda data: data[: len(data) * 95 // 100] + END,
}
"""How a file is spoiled so that part of its picture is lost."""

WHOLE: dict[str, Callable[[bytes], bytes]] = {
    "as it was": lambda data: data,
    "without an end marker": lambda data: data[:-2],
    "without its last bytes": lambda data: data[:-20],
    "with padding before the end": lambda data: data[:-2] + bytes(8) + END,
    "with padding after the end": lambda data: data + bytes(4096),
    "with another file behind it": lambda data: data + data[: len(data) // 2],
    "with odd bytes between its parts": lambda data: data.replace(b"\xff\xda", b"\x00\x00\xff\xda", 1),
}
"""How a file is changed so that nothing of its picture is lost."""
