"""Draws cars, pickups, vans, tractors and quad bikes from the side, with wheels, windows and lamps."""

from collections.abc import Callable

import numpy as np

from render.sketch import Colour, Point, Sketch, Sprite, tinted

METRES = 1.6
_PAINT: tuple[Colour, ...] = (
    (190, 192, 196), (60, 64, 70), (170, 36, 34), (40, 66, 120),
    (64, 92, 62), (226, 224, 216), (204, 160, 52), (110, 96, 78),
)  # fmt: skip
_GLASS: Colour = (46, 58, 68)
_RUBBER: Colour = (26, 26, 28)


def draw_vehicle(rng: np.random.Generator, scale: float, *, flipped: bool) -> Sprite:
    """`scale` is pixels per height of an ordinary car."""
    sketch = Sketch(-2.0, 2.0, 1.75, scale)
    paint = tinted(_PAINT[int(rng.integers(len(_PAINT)))], float(rng.uniform(0.8, 1.15)))
    bodies: tuple[Callable[[Sketch, np.random.Generator, Colour], None], ...] = (
        _car,
        _offroader,
        _pickup,
        _van,
        _quad,
        _tractor,
    )
    bodies[int(rng.choice(6, p=[0.24, 0.24, 0.2, 0.12, 0.1, 0.1]))](sketch, rng, paint)
    return sketch.finish(rng, flipped=flipped, fur=0.06, relief=0.7)


def _wheel(sketch: Sketch, x: float, radius: float) -> None:
    sketch.ellipse((x, radius), (radius, radius), _RUBBER)
    sketch.ellipse((x, radius), (radius * 0.58, radius * 0.58), (150, 152, 156))
    sketch.ellipse((x, radius), (radius * 0.2, radius * 0.2), (70, 72, 76))


def _lamps(sketch: Sketch, front: Point, rear: Point) -> None:
    sketch.ellipse(front, (0.05, 0.06), (250, 244, 214), glow=255)
    sketch.ellipse(rear, (0.035, 0.06), (200, 30, 26), glow=140)


def _window(sketch: Sketch, points: list[Point]) -> None:
    sketch.polygon(points, _GLASS)
    (x0, y0), (x1, y1) = points[0], points[1]
    sketch.polygon([(x0 + 0.06, y0), (x0 + 0.14, y0), (x1 + 0.14, y1), (x1 + 0.06, y1)], tinted(_GLASS, 1.6))


def _car(sketch: Sketch, _rng: np.random.Generator, paint: Colour) -> None:
    sketch.polygon([(-1.25, 0.25), (-1.3, 0.62), (-1.15, 0.68), (1.05, 0.66), (1.33, 0.5), (1.33, 0.25)], paint)
    sketch.blob([(-1.05, 0.62), (-0.78, 0.98), (-0.3, 1.04), (0.25, 1.0), (0.7, 0.66), (-0.2, 0.6)], paint)
    _window(sketch, [(-0.85, 0.68), (-0.68, 0.92), (-0.22, 0.95), (-0.22, 0.68)])
    _window(sketch, [(-0.14, 0.68), (-0.14, 0.95), (0.2, 0.92), (0.48, 0.68)])
    sketch.limb([(-1.28, 0.27), (1.32, 0.27)], [0.07, 0.07], tinted(paint, 0.5))
    sketch.limb([(-0.18, 0.3), (-0.18, 0.66)], [0.012, 0.012], tinted(paint, 0.6))
    for x in (-0.8, 0.82):
        _wheel(sketch, x, 0.25)
    _lamps(sketch, (1.27, 0.52), (-1.27, 0.56))


def _offroader(sketch: Sketch, _rng: np.random.Generator, paint: Colour) -> None:
    sketch.polygon(
        [(-1.2, 0.35), (-1.22, 1.2), (-1.1, 1.27), (0.3, 1.27), (0.52, 0.86), (1.18, 0.8), (1.24, 0.35)], paint
    )
    _window(sketch, [(-1.1, 0.86), (-1.1, 1.17), (-0.64, 1.17), (-0.64, 0.86)])
    _window(sketch, [(-0.55, 0.86), (-0.55, 1.17), (-0.1, 1.17), (-0.1, 0.86)])
    _window(sketch, [(-0.02, 0.86), (-0.02, 1.17), (0.24, 1.17), (0.4, 0.86)])
    sketch.ellipse((-1.26, 0.75), (0.08, 0.26), _RUBBER)
    sketch.limb([(-1.22, 0.38), (1.28, 0.38)], [0.1, 0.1], (50, 50, 52))
    for x in (-0.75, 0.78):
        _wheel(sketch, x, 0.32)
    _lamps(sketch, (1.19, 0.66), (-1.19, 0.6))


def _pickup(sketch: Sketch, rng: np.random.Generator, paint: Colour) -> None:
    sketch.polygon([(-1.55, 0.36), (-1.55, 0.78), (1.2, 0.8), (1.45, 0.72), (1.45, 0.36)], paint)
    sketch.polygon([(-0.4, 0.78), (-0.34, 1.22), (0.35, 1.22), (0.66, 0.8)], paint)
    _window(sketch, [(-0.28, 0.82), (-0.25, 1.13), (0.02, 1.13), (0.02, 0.82)])
    _window(sketch, [(0.08, 0.82), (0.08, 1.13), (0.3, 1.13), (0.5, 0.82)])
    if rng.random() < 0.5:
        for x in np.linspace(-1.4, -0.6, 5):
            sketch.ellipse((float(x), 0.84), (0.12, 0.1), (126, 94, 60))
    sketch.limb([(-1.55, 0.4), (1.47, 0.4)], [0.08, 0.08], tinted(paint, 0.5))
    for x in (-0.95, 0.95):
        _wheel(sketch, x, 0.31)
    _lamps(sketch, (1.4, 0.64), (-1.52, 0.66))


def _van(sketch: Sketch, _rng: np.random.Generator, paint: Colour) -> None:
    sketch.polygon([(-1.45, 0.3), (-1.45, 1.45), (0.75, 1.47), (1.1, 0.95), (1.42, 0.8), (1.45, 0.3)], paint)
    _window(sketch, [(0.2, 0.95), (0.2, 1.33), (0.68, 1.33), (0.92, 0.95)])
    sketch.limb([(-1.42, 0.7), (1.4, 0.7)], [0.03, 0.03], tinted(paint, 0.7))
    sketch.limb([(0.1, 0.4), (0.1, 1.38)], [0.015, 0.015], tinted(paint, 0.6))
    for x in (-0.95, 0.95):
        _wheel(sketch, x, 0.28)
    _lamps(sketch, (1.38, 0.66), (-1.42, 0.6))


def _quad(sketch: Sketch, _rng: np.random.Generator, paint: Colour) -> None:
    for x in (-0.42, 0.45):
        _wheel(sketch, x, 0.26)
    sketch.blob([(-0.75, 0.55), (-0.3, 0.66), (0.1, 0.56), (0.5, 0.74), (0.75, 0.56), (0.4, 0.45), (-0.3, 0.42)], paint)
    sketch.limb([(0.38, 0.68), (0.24, 0.9)], [0.06, 0.05], (40, 40, 42))
    sketch.blob([(-0.35, 0.66), (-0.28, 1.1), (-0.08, 1.12), (0.02, 0.9), (-0.05, 0.62)], (70, 74, 60))
    sketch.limb([(-0.1, 1.02), (0.1, 0.88), (0.24, 0.9)], [0.12, 0.09, 0.07], (70, 74, 60))
    sketch.limb([(-0.2, 0.66), (0.14, 0.62), (0.1, 0.36)], [0.16, 0.13, 0.1], (50, 54, 70))
    sketch.ellipse((-0.12, 1.26), (0.14, 0.15), tinted(paint, 0.8))
    _lamps(sketch, (0.66, 0.62), (-0.72, 0.56))


def _tractor(sketch: Sketch, _rng: np.random.Generator, paint: Colour) -> None:
    sketch.polygon([(-0.1, 0.5), (-0.1, 0.92), (0.95, 0.86), (1.0, 0.5)], paint)
    sketch.polygon([(-0.85, 0.7), (-0.75, 1.55), (-0.05, 1.55), (0.0, 0.7)], tinted(paint, 0.8))
    _window(sketch, [(-0.72, 0.92), (-0.66, 1.44), (-0.14, 1.44), (-0.1, 0.92)])
    sketch.limb([(0.5, 0.88), (0.5, 1.3)], [0.06, 0.05], (50, 50, 50))
    _wheel(sketch, -0.55, 0.5)
    _wheel(sketch, 0.72, 0.3)
    _lamps(sketch, (0.98, 0.74), (-0.95, 0.8))
