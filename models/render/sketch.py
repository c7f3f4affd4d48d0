"""Draws one thing as a sprite: colours, outline and the parts that shine in a flash, from points in its own units."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from render.noise import Field, fractal

Point = tuple[float, float]
Colour = tuple[int, int, int]
SUPERSAMPLING = 2


@dataclass(frozen=True)
class Sprite:
    """Colours (0..1), coverage and shine of one drawn thing, cut to its outline; `foot` is its ground line's column."""

    colour: Field
    alpha: Field
    glow: Field
    foot: tuple[int, int]


def tinted(colour: Colour, factor: float) -> Colour:
    red, green, blue = (max(0, min(255, int(channel * factor))) for channel in colour)
    return red, green, blue


def smooth(points: Sequence[Point], steps: int = 6) -> list[Point]:
    """Closed Catmull-Rom curve through the points."""
    corners = np.asarray(points, dtype=np.float64)
    before, after, second = np.roll(corners, 1, 0), np.roll(corners, -1, 0), np.roll(corners, -2, 0)
    curve: list[Point] = []
    for index in range(len(corners)):
        p0, p1, p2, p3 = before[index], corners[index], after[index], second[index]
        for step in range(steps):
            t = step / steps
            value = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2)
            value = value + 0.5 * (3 * p1 - p0 - 3 * p2 + p3) * t**3
            curve.append((float(value[0]), float(value[1])))
    return curve


class Sketch:
    """A canvas in the thing's own units: x to the right, y up, the ground at y = 0."""

    def __init__(self, left: float, right: float, top: float, scale: float) -> None:
        self.scale = scale * SUPERSAMPLING
        self.left, self.top = left, top
        size = (max(8, int((right - left) * self.scale)), max(8, int((top + 0.12) * self.scale)))
        self.size = size
        self._image = Image.new("RGB", size)
        self._mask = Image.new("L", size)
        self._glow = Image.new("L", size)
        self._draws = ImageDraw.Draw(self._image), ImageDraw.Draw(self._mask), ImageDraw.Draw(self._glow)

    def _pixel(self, point: Point) -> Point:
        return (point[0] - self.left) * self.scale, (self.top - point[1]) * self.scale

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        pixels = [self._pixel(point) for point in points]
        self._draws[0].polygon(pixels, fill=colour)
        self._draws[1].polygon(pixels, fill=255)

    def blob(self, points: Sequence[Point], colour: Colour) -> None:
        self.polygon(smooth(points), colour)

    def ellipse(self, centre: Point, radius: Point, colour: Colour, glow: int = 0) -> None:
        x, y = self._pixel(centre)
        rx, ry = radius[0] * self.scale, radius[1] * self.scale
        bounds = (x - rx, y - ry, x + rx, y + ry)
        self._draws[0].ellipse(bounds, fill=colour)
        self._draws[1].ellipse(bounds, fill=255)
        if glow:
            self._draws[2].ellipse(bounds, fill=glow)

    def limb(self, points: Sequence[Point], widths: Sequence[float], colour: Colour) -> None:
        """A tapered stroke with round joints."""
        for (start, wide), (end, narrow) in zip(
            zip(points, widths, strict=True), zip(points[1:], widths[1:], strict=True), strict=False
        ):
            dx, dy = end[0] - start[0], end[1] - start[1]
            length = max(1e-6, (dx * dx + dy * dy) ** 0.5)
            nx, ny = -dy / length / 2, dx / length / 2
            self.polygon(
                [
                    (start[0] + nx * wide, start[1] + ny * wide),
                    (end[0] + nx * narrow, end[1] + ny * narrow),
                    (end[0] - nx * narrow, end[1] - ny * narrow),
                    (start[0] - nx * wide, start[1] - ny * wide),
                ],
                colour,
            )
        for point, width in zip(points, widths, strict=True):
            self.ellipse(point, (width / 2, width / 2), colour)

    def finish(self, rng: np.random.Generator, *, flipped: bool, fur: float, relief: float = 1.0) -> Sprite:
        """Reduces, shades and cuts the drawing."""
        small = max(2, self.size[0] // SUPERSAMPLING), max(2, self.size[1] // SUPERSAMPLING)
        layers = [layer.resize(small, Image.Resampling.BOX) for layer in (self._image, self._mask, self._glow)]
        foot = (-self.left * self.scale / SUPERSAMPLING, self.top * self.scale / SUPERSAMPLING)
        if flipped:
            layers = [layer.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for layer in layers]
            foot = (small[0] - foot[0], foot[1])
        bounds = layers[1].getbbox() or (0, 0, small[0], small[1])
        colour, mask, glow = (layer.crop(bounds) for layer in layers)
        alpha = np.asarray(mask, dtype=np.float32) / 255
        pixels = np.asarray(colour, dtype=np.float32) / 255 / np.maximum(alpha, 0.05)[:, :, None]
        shaded = np.clip(pixels, 0, 1) * _shading(rng, mask, fur, relief)[:, :, None]
        return Sprite(
            colour=np.clip(shaded, 0, 1).astype(np.float32),
            alpha=alpha,
            glow=np.asarray(glow, dtype=np.float32) / 255,
            foot=(round(foot[0] - bounds[0]), round(foot[1] - bounds[1])),
        )


def _shading(rng: np.random.Generator, mask: Image.Image, fur: float, relief: float) -> Field:
    """Light from above on the rounded form that a blurred outline suggests, times the grain of the fur."""
    width, height = mask.size
    height_field = np.asarray(mask.filter(ImageFilter.GaussianBlur(max(1.0, height / 14))), dtype=np.float32) / 255
    down = np.gradient(height_field, axis=0) * (height / 14) if height > 2 else np.zeros_like(height_field)
    light = 1.0 + relief * np.clip(0.9 * down, -0.45, 0.35)
    coat = fractal(rng, width, height, (max(3, width // 12), max(4, height // 5)), octaves=2)
    patches = fractal(rng, width, height, (3, 2), octaves=2)
    return (light * (1.0 + fur * coat + 0.5 * fur * patches)).astype(np.float32)
