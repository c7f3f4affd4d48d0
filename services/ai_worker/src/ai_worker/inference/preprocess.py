"""Preprocessing: an upright picture to a model's input, and its boxes back.

Letterboxing resizes as OpenCV's bilinear does (no anti-aliasing), because the YOLO families were trained and are
measured so; squashing and centre-cropping resize as Pillow does (anti-aliased), as classifiers were.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ai_worker.inference.buffers import BufferPool
from ai_worker.inference.types import Boxes, Floats, Pixels, Tensor
from trapper_schemas.v1.models import Channels, Preprocessing

_RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "nearest": Image.Resampling.NEAREST,
}
_SMALLEST_CROP = 2
_SIDES_KEPT = 64
"""A camera has one size of picture; crops have as many as there are animals."""
_FLOAT_BYTES = 4
_ROWS_AT_ONCE = 32
"""So many new rows, and what they are made of, stay in a core's own cache."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """Position of the picture in the model's input: input = picture x scale + offset."""

    scale_x: float
    scale_y: float
    left: float
    top: float
    width: int
    height: int

    def clip(self, boxes: Boxes) -> Boxes:
        """Returns the boxes clipped to the picture, in pixels of the input; those outside are left out."""
        first = np.asarray([self.left, self.top] * 2, np.float32)
        last = first + np.asarray([self.width * self.scale_x, self.height * self.scale_y] * 2, np.float32)
        corners = np.clip(boxes.corners, first, last)
        inside = np.flatnonzero((corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1]))
        return Boxes(corners, boxes.labels, boxes.scores).take(inside)

    def fractions(self, boxes: Boxes) -> NDArray[np.float64]:
        """Returns the boxes as x, y, width, height relative to the picture, clipped to it."""
        corners = boxes.corners.astype(np.float64)
        x = np.clip((corners[:, 0::2] - self.left) / self.scale_x / self.width, 0.0, 1.0)
        y = np.clip((corners[:, 1::2] - self.top) / self.scale_y / self.height, 0.0, 1.0)
        return np.stack([x[:, 0], y[:, 0], x[:, 1] - x[:, 0], y[:, 1] - y[:, 0]], axis=1)


def to_input(pixels: Pixels, how: Preprocessing, *, pool: BufferPool | None = None) -> tuple[Tensor, Mapping]:
    """Returns one picture or crop as the model takes it, without the batch axis."""
    match how.resize:
        case "letterbox":
            canvas, mapping = _letterbox(pixels, how, centre=True)
        case "letterbox-top-left":
            canvas, mapping = _letterbox(pixels, how, centre=False)
        case "squash":
            canvas, mapping = _squash(pixels, how)
        case "crop":
            canvas, mapping = _centre_crop(pixels, how)
    return _normalise(canvas, how, pool), mapping


def crop_box(pixels: Pixels, box: NDArray[np.float64], how: Preprocessing) -> Pixels:
    """Returns the pixels of one box (x, y, width, height as fractions), padded and squared for the model."""
    height, width = pixels.shape[:2]
    x, y, across, down = box * (width, height, width, height)
    centre_x, centre_y = x + across / 2, y + down / 2
    across, down = across * (1 + 2 * how.crop_padding), down * (1 + 2 * how.crop_padding)
    if how.square_crop:
        across = down = max(across, down)
    left, right = _span(centre_x, across, width)
    top, bottom = _span(centre_y, down, height)
    return pixels[top:bottom, left:right]


def _span(centre: float, side: float, limit: int) -> tuple[int, int]:
    first = max(0, round(centre - side / 2))
    last = min(limit, round(centre + side / 2))
    if last - first < _SMALLEST_CROP:
        first = max(0, min(round(centre) - 1, limit - _SMALLEST_CROP))
        last = min(limit, first + _SMALLEST_CROP)
    return first, last


def _letterbox(pixels: Pixels, how: Preprocessing, *, centre: bool) -> tuple[Pixels, Mapping]:
    height, width = pixels.shape[:2]
    ratio = min(how.height / height, how.width / width)
    if centre:  # rounding as in the reference code of each family
        new_width, new_height = round(width * ratio), round(height * ratio)
        left, top = round((how.width - new_width) / 2 - 0.1), round((how.height - new_height) / 2 - 0.1)
    else:
        new_width, new_height = int(width * ratio), int(height * ratio)
        left = top = 0
    new_width, new_height = max(1, new_width), max(1, new_height)
    canvas = np.full((how.height, how.width, 3), how.pad_value, dtype=np.uint8)
    canvas[top : top + new_height, left : left + new_width] = _resize_plain(pixels, new_width, new_height, how)
    return canvas, Mapping(ratio, ratio, left, top, width, height)


def _squash(pixels: Pixels, how: Preprocessing) -> tuple[Pixels, Mapping]:
    height, width = pixels.shape[:2]
    canvas = _resize_smooth(pixels, how.width, how.height, how)
    return canvas, Mapping(how.width / width, how.height / height, 0, 0, width, height)


def _centre_crop(pixels: Pixels, how: Preprocessing) -> tuple[Pixels, Mapping]:
    height, width = pixels.shape[:2]
    if how.shortest_side is None:
        ratio = max(how.height / height, how.width / width)
    else:
        ratio = how.shortest_side / min(height, width)
    new_width, new_height = max(how.width, int(width * ratio)), max(how.height, int(height * ratio))
    left, top = round((new_width - how.width) / 2), round((new_height - how.height) / 2)
    resized = _resize_smooth(pixels, new_width, new_height, how)
    canvas = resized[top : top + how.height, left : left + how.width]
    return canvas, Mapping(new_width / width, new_height / height, -left, -top, width, height)


def _resize_smooth(pixels: Pixels, width: int, height: int, how: Preprocessing) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((width, height), _RESAMPLING[how.interpolation]))


def _resize_plain(pixels: Pixels, width: int, height: int, how: Preprocessing) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    if how.interpolation == "bicubic":
        return _resize_smooth(pixels, width, height, how)
    if how.interpolation == "nearest":
        return pixels[np.arange(height) * pixels.shape[0] // height][:, np.arange(width) * pixels.shape[1] // width]
    rows, next_rows, down = _positions(pixels.shape[0], height)
    first, second, across = _values(pixels.shape[1], width)
    flat = pixels.reshape(pixels.shape[0], -1)
    resized = np.empty((height, width * 3), dtype=np.uint8)
    for top in range(0, height, _ROWS_AT_ONCE):
        part = slice(top, top + _ROWS_AT_ONCE)
        both = np.concatenate([rows[part], next_rows[part]])  # few long calls: each of them lets go of Python's lock
        blended = _blend(flat[both], first, second, across)
        upper, lower = blended[: len(blended) // 2], blended[len(blended) // 2 :]
        lower -= upper
        lower *= down[part, None]
        upper += lower
        upper += 0.5  # rounds, since the cast cuts off
        resized[part] = upper
    return resized.reshape(height, width, 3)


@lru_cache(maxsize=_SIDES_KEPT)
def _values(side: int, new_side: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Returns the interpolation of `_positions` for the three values of each pixel in a row."""
    first, second, across = _positions(side, new_side)
    colours = np.arange(3)
    return (first[:, None] * 3 + colours).ravel(), (second[:, None] * 3 + colours).ravel(), across.repeat(3)


def _blend(
    band: Pixels, first: NDArray[np.intp], second: NDArray[np.intp], across: NDArray[np.float32]
) -> NDArray[np.float32]:
    blended = band.take(second, axis=1, mode="clip").astype(np.float32)
    left = band.take(first, axis=1, mode="clip")
    blended -= left
    blended *= across
    blended += left
    return blended


@lru_cache(maxsize=_SIDES_KEPT)
def _positions(side: int, new_side: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Returns for each new pixel its two old neighbours and the fraction between them."""
    at = np.clip((np.arange(new_side) + 0.5) * (side / new_side) - 0.5, 0, side - 1)
    first = np.floor(at).astype(np.intp)
    return first, np.minimum(first + 1, side - 1), (at - first).astype(np.float32)


def _normalise(canvas: Pixels, how: Preprocessing, pool: BufferPool | None) -> Tensor:
    if how.channels == "bgr":
        canvas = canvas[:, :, ::-1]
    if how.layout == "nchw":
        canvas = canvas.transpose(2, 0, 1)
    scale, mean, std = (_per_channel(value, how) for value in (how.scale, how.mean, how.std))
    if how.dtype == "uint8" and bool((scale == 1).all() and (mean == 0).all() and (std == 1).all()):
        return np.ascontiguousarray(canvas)
    values = _room(canvas.shape, pool)
    np.multiply(canvas, (scale / std).astype(np.float32), out=values)
    if mean.any():
        values -= (mean / std).astype(np.float32)
    if how.dtype == "uint8":
        return np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return values.astype(how.dtype, copy=False)


def _room(shape: tuple[int, ...], pool: BufferPool | None) -> Floats:
    if pool is None:
        return np.empty(shape, dtype=np.float32)
    return pool.take(int(np.prod(shape)) * _FLOAT_BYTES).view(np.float32).reshape(shape)


def _per_channel(value: Channels, how: Preprocessing) -> NDArray[np.float64]:
    numbers = np.broadcast_to(np.asarray(value, dtype=np.float64), (3,))
    return numbers.reshape((3, 1, 1) if how.layout == "nchw" else (1, 1, 3))
