"""Pictures that make trouble, each made in memory: rotated, deep, truncated, bombs, and what only looks like one."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image


def scene(width: int = 640, height: int = 480, mode: str = "RGB") -> Image.Image:
    """A gradient whose left side is dark and whose right side is bright."""
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    grey = Image.fromarray(np.tile(ramp, (height, 1)))
    return grey.convert(mode)


def encoded(image: Image.Image | None = None, kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a picture in a format."""
    buffer = io.BytesIO()
    (image or scene()).save(buffer, kind, **options)
    return buffer.getvalue()


def with_exif(tags: dict[int, Any], *, sub: dict[int, Any] | None = None, width: int = 640, height: int = 480) -> bytes:
    """A JPEG with these tags; `sub` go into the Exif directory."""
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    for tag, value in (sub or {}).items():
        exif.get_ifd(0x8769)[tag] = value
    return encoded(scene(width, height), exif=exif)


def truncated() -> bytes:
    """A JPEG whose last third never arrived."""
    rng = np.random.default_rng(1)
    whole = encoded(Image.fromarray(rng.integers(0, 255, (480, 640, 3), dtype=np.uint8)))
    return whole[: len(whole) * 2 // 3]


def sixteen_bit() -> bytes:
    """A 16-bit grey PNG from 0 to 65535."""
    ramp = np.linspace(0, 65535, 640).astype(np.uint16)
    return encoded(Image.fromarray(np.tile(ramp, (480, 1))), "PNG")


def png_bomb(side: int = 65_000) -> bytes:
    """A header that promises thousands of millions of pixels, in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def jpeg_bomb(side: int = 65_000) -> bytes:
    """A JPEG whose header was changed to promise 65,000 pixels a side."""
    data = bytearray(encoded(scene(64, 64)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def mp4() -> bytes:
    """The beginning of a clip."""
    return b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(200)


def avi() -> bytes:
    """The beginning of another one."""
    return b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(200)
