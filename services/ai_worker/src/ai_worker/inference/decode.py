"""Turns the bytes of a photo into an upright RGB array, or says in one plain sentence why it cannot.

JPEG goes through libjpeg-turbo and, when the caller needs less than the picture has, is scaled while it is decoded;
everything else goes through Pillow. The number of pixels is read from the header, before anything is allocated.
"""

import io
import struct

import numpy as np
import simplejpeg
from PIL import Image

from ai_worker.inference.types import Picture, Pixels
from trapper_schemas.v1.results import FailureCode

Image.MAX_IMAGE_PIXELS = None  # our own limit is checked before decoding, and Pillow's warns into other people's logs
Image.init()  # registers every format now, not in the middle of the first picture of several threads

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
_JPEG_MAGIC = b"\xff\xd8\xff"
_ORIENTATION = 0x0112
_VIDEO_SIGNS = ((0, b"\x1aE\xdf\xa3"), (0, b"\x30\x26\xb2\x75"), (0, b"\x00\x00\x01\xba"), (0, b"FLV"), (8, b"AVI "))
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"mif1", b"msf1", b"avif", b"avis")
_SIXTEEN_TO_EIGHT = 257
_EIGHT_BIT_MAX = 255
_SIXTEEN_BIT_MAX = 65535


class Undecodable(Exception):  # noqa: N818 - named after what is the case
    """The bytes are no picture that can be looked at."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def decode(data: bytes, *, max_pixels: int = 100_000_000, wanted: tuple[int, int] | None = None) -> Picture:
    """The upright picture; with `wanted` (width, height) a JPEG may come smaller, but not below that on either side."""
    _refuse_what_is_no_photo(data)
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_size(image.size, max_pixels)
            if data.startswith(_JPEG_MAGIC) and image.mode != "CMYK":
                return _decode_jpeg(data, image, wanted)
            pixels = _to_rgb(image)
            return _upright(pixels, _orientation(image), image.size, damaged=False)
    except Undecodable:
        raise
    except MemoryError as problem:
        raise Undecodable(FailureCode.TOO_MANY_PIXELS, "the picture does not fit into memory") from problem
    except Image.UnidentifiedImageError as problem:
        raise Undecodable(FailureCode.UNDECODABLE, "the file is not a picture of a known format") from problem
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, TypeError, KeyError, IndexError) as problem:
        raise Undecodable(FailureCode.UNDECODABLE, f"the picture cannot be decoded: {_sentence(problem)}") from problem


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


def _decode_jpeg(data: bytes, image: Image.Image, wanted: tuple[int, int] | None) -> Picture:
    orientation = _orientation(image)
    width, height = wanted or (0, 0)
    if orientation >= 5:  # noqa: PLR2004 - 5 to 8 lie on their side
        width, height = height, width
    damaged = False
    try:
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_width=width, min_height=height, min_factor=2 if wanted else 1)
    except ValueError:
        try:
            pixels = simplejpeg.decode_jpeg(data, "RGB", min_width=width, min_height=height, strict=False)
            damaged = not _is_whole(data)
        except ValueError:
            pixels = _to_rgb(image)  # a kind of JPEG that only the other decoder reads; raises when it is none
    return _upright(pixels, orientation, image.size, damaged=damaged)


def _is_whole(data: bytes) -> bool:
    """Whether the decoder's complaint was about something else than the end: cameras leave odd bytes in between."""
    return b"\xff\xd9" in data[-64:]


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - broken EXIF is as if there were none, whatever its reader stumbles over
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1  # noqa: PLR2004 - the values of the standard


def _upright(pixels: Pixels, orientation: int, size: tuple[int, int], *, damaged: bool) -> Picture:
    width, height = size
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
    return Picture(np.ascontiguousarray(pixels), width, height, damaged)


def _to_rgb(image: Image.Image) -> Pixels:
    """Eight-bit RGB; alpha is dropped, deeper greys are scaled and not clipped."""
    image.load()
    if image.mode.startswith("I;16"):
        return _grey(np.asarray(image).astype(np.float32) / _SIXTEEN_TO_EIGHT)
    if image.mode in ("I", "F"):
        return _grey(_to_eight_bit_range(np.asarray(image).astype(np.float64)))
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        # Pillow takes every CMYK JPEG for one of Adobe's, whose inks are stored inverted.
        inverted = Image.fromarray(_EIGHT_BIT_MAX - np.asarray(image), mode=None)
        return _to_rgb_array(Image.frombytes("CMYK", image.size, inverted.tobytes()))
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
    """The first line of what a decoder said; it never says where our files are."""
    return (str(problem).splitlines() or [type(problem).__name__])[0][:200]
