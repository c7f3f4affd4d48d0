"""What a picture is: its type by decoding, its upright size, its EXIF, and a small upright JPEG of it."""

import io
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from expert.resources.sniff import HEAD_BYTES, NoPicture, sniff
from expert.resources.state import ResourceKind
from trapper_kit.jpeg import MAX_LOST, decode_jpeg
from trapper_kit.pictures.open_picture import open_picture
from trapper_kit.pictures.read_exif import read_exif, read_orientation
from trapper_schemas.v1.results import FailureCode

_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
}
_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = 5
_SIXTEEN_TO_EIGHT = 257
_THUMBNAIL_QUALITY = 82
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, struct.error, TypeError, KeyError, IndexError, OverflowError)


@dataclass(frozen=True)
class PictureFacts:
    """Facts about a picture; width and height are those after orientation."""

    media_type: str
    width: int
    height: int
    exif: dict[str, Any]
    thumbnail: bytes
    is_damaged: bool


def read_picture(
    data: bytes, *, max_pixels: int, thumbnail_pixels: int, max_lost: float = MAX_LOST
) -> PictureFacts | NoPicture:
    """Facts, or the reason why there are none, as a plain sentence; slow, so call it in a thread."""
    refusal = sniff(data[:HEAD_BYTES])
    if refusal is not None:
        return refusal
    try:
        with open_picture(io.BytesIO(data)) as image:
            return _facts(data, image, max_pixels, thumbnail_pixels, max_lost)
    except Image.UnidentifiedImageError:
        return NoPicture(FailureCode.UNDECODABLE, "the file is not a picture of a known format")
    except MemoryError:
        return NoPicture(FailureCode.TOO_MANY_PIXELS, "the picture does not fit into memory", ResourceKind.IMAGE)
    except _BROKEN as problem:
        return NoPicture(FailureCode.UNDECODABLE, f"the picture cannot be decoded: {_sentence(problem)}")


def _facts(
    data: bytes, image: Image.Image, max_pixels: int, thumbnail_pixels: int, max_lost: float
) -> PictureFacts | NoPicture:
    media_type = _MEDIA_TYPES[image.format or ""]
    width, height = image.size
    if width * height > max_pixels:
        message = f"the picture has {width} x {height} pixels, and at most {max_pixels} are decoded"
        return NoPicture(FailureCode.TOO_MANY_PIXELS, message, ResourceKind.IMAGE, media_type)
    if width < 1 or height < 1:
        return NoPicture(FailureCode.UNDECODABLE, "the picture has no pixels", ResourceKind.IMAGE, media_type)
    exif, orientation = read_exif(image), read_orientation(image)
    small, is_damaged = _decode(data, image, thumbnail_pixels, max_lost)
    upright = small.transpose(_TRANSPOSES[orientation]) if orientation in _TRANSPOSES else small
    upright.thumbnail((thumbnail_pixels, thumbnail_pixels), Image.Resampling.BILINEAR)
    thumbnail = io.BytesIO()
    upright.save(thumbnail, "JPEG", quality=_THUMBNAIL_QUALITY)
    if orientation >= _ON_ITS_SIDE:
        width, height = height, width
    return PictureFacts(media_type, width, height, exif, thumbnail.getvalue(), is_damaged)


def _decode(data: bytes, image: Image.Image, side: int, max_lost: float) -> tuple[Image.Image, bool]:
    """Eight-bit RGB, not much larger than `side` where the format allows it; and whether part of it is lost."""
    if image.format not in {"JPEG", "MPO"}:
        return _eight_bit(image), False
    is_print = image.mode == "CMYK"
    width, height = image.size
    try:
        jpeg = decode_jpeg(
            data,
            min_width=side * width // max(image.size),  # so that a scaled decode is often the thumbnail itself
            min_height=side * height // max(image.size),
            min_factor=2,
            colorspace="CMYK" if is_print else "RGB",
            max_lost=max_lost,
        )
    except ValueError:  # a kind of JPEG that only the other decoder reads; it raises when there is none
        return _eight_bit(image), False
    if not is_print:
        return Image.fromarray(jpeg.pixels), jpeg.is_damaged
    height, width, _ = jpeg.pixels.shape
    inks = 255 - jpeg.pixels if "adobe" in image.info else jpeg.pixels  # Adobe stores inks inverted
    return Image.frombytes("CMYK", (width, height), inks.tobytes()).convert("RGB"), jpeg.is_damaged


def _eight_bit(image: Image.Image) -> Image.Image:
    image.load()
    if image.mode.startswith("I;16"):
        return _grey(np.asarray(image).astype(np.float32) / _SIXTEEN_TO_EIGHT)
    if image.mode in {"I", "F"}:
        values = np.nan_to_num(np.asarray(image).astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        highest = float(values.max(initial=0.0))
        return _grey(values * (255 / highest) if highest > 255 or 0 < highest <= 1 else values)  # noqa: PLR2004 - 8 bit
    return image.convert("RGBA").convert("RGB") if "transparency" in image.info else image.convert("RGB")


def _grey(values: "np.ndarray[Any, Any]") -> Image.Image:
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8)).convert("RGB")


def _sentence(problem: BaseException) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0][:200]
