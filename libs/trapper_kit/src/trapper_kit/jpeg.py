"""JPEG decoding with one judgement of damage, so that Expert and Worker call the same files damaged.

libjpeg-turbo decodes spoiled files without failing: it fills what is missing with grey, and complains. Its complaint is
what counts, because a spoiled file may well have its end marker, and a whole one may lack it.
"""

import re
from dataclasses import dataclass
from functools import partial

import numpy as np
import simplejpeg
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

MAX_LOST = 0.01
"""Default of `max_lost`, the setting `PICTURE_MAX_LOST` of both services."""
MAX_STRAY_BYTES = 64
"""Bytes between two parts of a file that are no damage: cameras pad their files."""
_FILL = 128
"""Grey that libjpeg-turbo leaves where it had no data."""
_END = b"\xff\xd9"
_PROGRESSIVE = b"\xff\xc2"
_END_LACKS = "Premature end of JPEG file"
_DATA_LACKS = "premature end of data segment"
_STRAY_BYTES = re.compile(r"(\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
_RESTART_MARKERS = range(0xD0, 0xD8)
_AFTER_SCAN = {*_RESTART_MARKERS, 0xD9}
_START_OF_SCAN = 0xDA
_NO_MARKER = {0x00, 0xFF}


@dataclass(frozen=True, slots=True)
class DecodedJpeg:
    """The pixels (height, width, channels), and whether part of the picture is lost."""

    pixels: Pixels
    is_damaged: bool


def decode_jpeg(
    data: bytes,
    *,
    min_width: int = 0,
    min_height: int = 0,
    min_factor: float = 1,
    colorspace: str = "RGB",
    max_lost: float = MAX_LOST,
    buffer: Pixels | None = None,
) -> DecodedJpeg:
    """The decoded picture; ValueError when libjpeg-turbo cannot read this kind of JPEG at all.

    `max_lost` (0 to 1) is the share of rows that the end of a file may lack before the picture counts as damaged.
    With `min_width` and `min_height` it may come smaller, by an eighth at most, but never below them. `buffer` is used
    when it is large enough and the file is whole.
    """
    decode = partial(
        simplejpeg.decode_jpeg,
        colorspace=colorspace,
        min_width=min_width,
        min_height=min_height,
        min_factor=min_factor,
    )
    try:
        return DecodedJpeg(decode(data, buffer=buffer), is_damaged=False)
    except ValueError as problem:
        complaint = str(problem)
    if (stray := _STRAY_BYTES.search(complaint)) and int(stray[2], 16) not in _AFTER_SCAN:
        data, complaint = _without_stray_bytes(data), ""  # in the header, where simplejpeg goes no further
    lacks_end = complaint == _END_LACKS  # this complaint hides whether data lacks as well
    if lacks_end or not complaint:
        try:
            return DecodedJpeg(decode(data + _END), is_damaged=False)
        except ValueError as problem:
            complaint = str(problem)
    pixels = decode(data, strict=False)
    return DecodedJpeg(pixels, _is_damaged(data, complaint, pixels, max_lost, lacks_end=lacks_end))


def _without_stray_bytes(data: bytes) -> bytes:
    """The file with nothing between the segments of its header."""
    kept, at = [data[:2]], 2
    while (start := data.find(b"\xff", at)) >= 0 and start + 4 <= len(data):
        marker, length = data[start + 1], int.from_bytes(data[start + 2 : start + 4])
        if marker == _START_OF_SCAN:
            return b"".join([*kept, data[start:]])
        if marker in _NO_MARKER:
            at = start + 1
            continue
        kept.append(data[start : start + 2 + length])
        at = start + 2 + length
    return data


def _is_damaged(data: bytes, complaint: str, pixels: Pixels, max_lost: float, *, lacks_end: bool) -> bool:
    if stray := _STRAY_BYTES.search(complaint):
        return int(stray[1]) > MAX_STRAY_BYTES or int(stray[2], 16) in _RESTART_MARKERS
    # Only of a file that was cut off is known how much is lost; what was spoiled inside is in disorder from there on.
    ends_early = lacks_end and complaint.endswith(_DATA_LACKS) and _PROGRESSIVE not in data
    return not ends_early or _lost_rows(pixels) > max_lost


def _lost_rows(pixels: Pixels) -> float:
    """The share of rows at the lower end that hold nothing but fill."""
    is_fill = (pixels == _FILL).all(axis=(1, 2))[::-1]
    return float((is_fill.argmin() if not is_fill.all() else len(is_fill)) / len(is_fill))
