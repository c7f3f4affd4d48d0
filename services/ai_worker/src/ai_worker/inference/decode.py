"""Decodes a photo into an upright RGB array, or says in one sentence why it cannot.

JPEG goes through libjpeg-turbo and, when the caller needs less than the picture has, is scaled while it is decoded;
everything else goes through Pillow. The number of pixels is read from the header, before anything is allocated.
"""

import io
import struct
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import simplejpeg
from PIL import Image

from ai_worker.inference.buffers import BufferPool
from ai_worker.inference.types import Picture, Pixels
from trapper_kit.jpeg import MAX_LOST, decode_jpeg
from trapper_kit.pictures.open_picture import open_picture as open_header
from trapper_schemas.v1.results import FailureCode

_JPEG_MAGIC = b"\xff\xd8\xff"
_ORIENTATION = 0x0112
_VIDEO_SIGNS = ((0, b"\x1aE\xdf\xa3"), (0, b"\x30\x26\xb2\x75"), (0, b"\x00\x00\x01\xba"), (0, b"FLV"), (8, b"AVI "))
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"mif1", b"msf1", b"avif", b"avis")
_SIXTEEN_TO_EIGHT = 257
_EIGHT_BIT_MAX = 255
_SIXTEEN_BIT_MAX = 65535
_JPEG_BYTES = 3
_PROGRESSIVE_BYTES = 9
"""The coefficients of the whole picture are kept until its last scan."""
_PILLOW_BYTES = 10
_DEEP_BYTES = 32
"""Per pixel, at the peak of decoding: greys deeper than eight bits go through double precision."""
_NO_POOL = BufferPool(0)


class Undecodable(Exception):  # noqa: N818 - named after what is the case
    """The bytes are no picture that can be decoded."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Opened:
    """A picture of which only the header was read, so that its size is known before anything is allocated."""

    data: bytes
    image: Image.Image

    @property
    def bytes_needed(self) -> int:
        """Returns about how much memory decoding takes at its peak."""
        width, height = self.image.size
        if _is_plain_jpeg(self):
            each = _PROGRESSIVE_BYTES if self.image.info.get("progressive") else _JPEG_BYTES
        else:
            each = _DEEP_BYTES if self.image.mode.startswith(("I", "F")) else _PILLOW_BYTES
        return width * height * each


def decode(data: bytes, *, max_pixels: int = 100_000_000, fit: tuple[int, int] | None = None) -> Picture:
    """Returns the upright picture; `fit` (width, height) lets a JPEG come smaller, but not below it."""
    return decode_opened(open_picture(data, max_pixels=max_pixels), fit=fit)


def open_picture(data: bytes, *, max_pixels: int) -> Opened:
    """Reads the header; raises Undecodable for what is no picture, or too large."""
    _refuse_what_is_no_photo(data)
    with _in_words():
        opened = Opened(data, open_header(io.BytesIO(data)))
    _check_size(opened.image.size, max_pixels)
    return opened


def decode_opened(
    opened: Opened,
    *,
    fit: tuple[int, int] | None = None,
    pool: BufferPool | None = None,
    max_lost: float = MAX_LOST,
) -> Picture:
    """Returns the upright picture; a JPEG's pixels are in a block of the pool."""
    with _in_words(), opened.image as image:
        if _is_plain_jpeg(opened):
            return _decode_jpeg(opened.data, image, fit, pool or _NO_POOL, max_lost)
        if opened.data.startswith(_JPEG_MAGIC):
            return _decode_cmyk(opened.data, image, max_lost)
        return _upright(_to_rgb(image), _orientation(image), image.size, _NO_POOL, damaged=False)


@contextmanager
def _in_words() -> Generator[None, None, None]:
    try:
        yield
    except MemoryError as problem:
        raise Undecodable(FailureCode.TOO_MANY_PIXELS, "the picture does not fit into memory") from problem
    except Image.UnidentifiedImageError as problem:
        raise Undecodable(FailureCode.UNDECODABLE, "the file is not a picture of a known format") from problem
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, TypeError, KeyError, IndexError) as problem:
        raise Undecodable(FailureCode.UNDECODABLE, f"the picture cannot be decoded: {_sentence(problem)}") from problem


def _is_plain_jpeg(opened: Opened) -> bool:
    return opened.data.startswith(_JPEG_MAGIC) and opened.image.mode != "CMYK"


def _refuse_what_is_no_photo(data: bytes) -> None:
    if not data:
        raise Undecodable(FailureCode.EMPTY_FILE, "the file is empty")
    if data[4:8] == b"ftyp":
        if data[8:12] in _STILL_BRANDS:
            raise Undecodable(FailureCode.UNSUPPORTED_MEDIA, "HEIC and AVIF pictures are not supported")
        raise Undecodable(FailureCode.UNSUPPORTED_MEDIA, "video is not supported yet")
    if any(data[at : at + len(sign)] == sign for at, sign in _VIDEO_SIGNS):
        raise Undecodable(FailureCode.UNSUPPORTED_MEDIA, "video is not supported yet")
    if _is_text(data[:512]):
        raise Undecodable(FailureCode.UNDECODABLE, "the file is text, not a picture")


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise Undecodable(
            FailureCode.TOO_MANY_PIXELS,
            f"the picture has {width} x {height} pixels, and at most {max_pixels} are decoded",
        )


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as problem:
        if problem.start < len(head) - 3:  # a character cut off by the end of `head` is still text
            return False
        text = head[: problem.start].decode("utf-8")
    return all(sign.isprintable() or sign in "\r\n\t\f" for sign in text)


def _decode_jpeg(
    data: bytes, image: Image.Image, fit: tuple[int, int] | None, pool: BufferPool, max_lost: float
) -> Picture:
    orientation = _orientation(image)
    width, height = fit or (0, 0)
    if orientation >= 5:  # noqa: PLR2004 - 5 to 8 lie on their side
        width, height = height, width
    factor = 2 if fit else 1
    try:
        rows, columns, _, _ = simplejpeg.decode_jpeg_header(data, height, width, factor)
        buffer = pool.take(int(rows) * int(columns) * 3).reshape(int(rows), int(columns), 3)
        jpeg = decode_jpeg(
            data, min_width=width, min_height=height, min_factor=factor, max_lost=max_lost, buffer=buffer
        )
    except ValueError:  # a kind of JPEG that only the other decoder reads; it raises when there is none
        return _upright(_to_rgb(image), orientation, image.size, pool, damaged=False)
    return _upright(jpeg.pixels, orientation, image.size, pool, damaged=jpeg.is_damaged)


def _decode_cmyk(data: bytes, image: Image.Image, max_lost: float) -> Picture:
    jpeg = decode_jpeg(data, colorspace="CMYK", max_lost=max_lost)
    inks = _EIGHT_BIT_MAX - jpeg.pixels if "adobe" in image.info else jpeg.pixels  # Adobe stores inks inverted
    rgb = _to_rgb_array(Image.frombytes("CMYK", image.size, inks.tobytes()))
    return _upright(rgb, _orientation(image), image.size, _NO_POOL, damaged=jpeg.is_damaged)


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - broken EXIF is as if there were none, whatever its reader stumbles over
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1  # noqa: PLR2004 - the values of the standard


def _upright(pixels: Pixels, orientation: int, size: tuple[int, int], pool: BufferPool, *, damaged: bool) -> Picture:
    width, height = size
    lying = pixels
    match orientation:
        case 2:
            pixels = pixels[:, ::-1]
        case 3:
            pixels = pixels[::-1, ::-1]
        case 4:
            pixels = pixels[::-1]
        case 5:
            pixels = pixels.transpose(1, 0, 2)
        case 6:
            pixels = pixels.transpose(1, 0, 2)[:, ::-1]
        case 7:
            pixels = pixels.transpose(1, 0, 2)[::-1, ::-1]
        case 8:
            pixels = pixels.transpose(1, 0, 2)[::-1]
        case _:
            pass
    if orientation >= 5:  # noqa: PLR2004 - 5 to 8 lie on their side
        width, height = height, width
    if pixels is not lying:
        turned = pool.take(pixels.size).reshape(pixels.shape)
        turned[...] = pixels
        pixels = turned
    return Picture(np.ascontiguousarray(pixels), width, height, damaged)


def _to_rgb(image: Image.Image) -> Pixels:
    """Returns eight-bit RGB; alpha is dropped, deeper grey is scaled and not clipped."""
    image.load()
    if image.mode.startswith("I;16"):
        return _grey(np.asarray(image).astype(np.float32) / _SIXTEEN_TO_EIGHT)
    if image.mode in ("I", "F"):
        return _grey(_to_eight_bit_range(np.asarray(image).astype(np.float64)))
    return _to_rgb_array(image)


def _to_rgb_array(image: Image.Image) -> Pixels:
    return np.asarray(image.convert("RGB"))


def _to_eight_bit_range(
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    highest = float(values.max(initial=0.0))
    if highest <= 1:
        return values * _EIGHT_BIT_MAX
    if highest <= _EIGHT_BIT_MAX:
        return values
    if highest <= _SIXTEEN_BIT_MAX:
        return values / _SIXTEEN_TO_EIGHT
    return values * (_EIGHT_BIT_MAX / highest)


def _grey(values: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> Pixels:
    grey = np.clip(np.rint(values), 0, _EIGHT_BIT_MAX).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _sentence(problem: Exception) -> str:
    """Returns the first line of a decoder's message, without paths."""
    return (str(problem).splitlines() or [type(problem).__name__])[0][:200]
