"""Draws people on foot, in clothes of any colour, from the side or from the front."""

import math

import numpy as np

from render.quadruped import polar
from render.sketch import Colour, Point, Sketch, Sprite, tinted

METRES = 1.75
_SKIN: tuple[Colour, ...] = ((224, 178, 148), (198, 146, 112), (150, 104, 76), (104, 72, 54))
_CLOTHES: tuple[Colour, ...] = (
    (46, 70, 120), (176, 40, 36), (58, 84, 52), (218, 120, 28),
    (70, 70, 74), (150, 148, 60), (206, 204, 198), (92, 58, 92),
)  # fmt: skip
_TROUSERS: tuple[Colour, ...] = ((44, 50, 70), (74, 66, 54), (40, 40, 42), (96, 92, 78))


def draw_person(rng: np.random.Generator, scale: float, *, flipped: bool, step: float = 0.0) -> Sprite:
    """`scale` is pixels per height of the person; `step` moves the legs on, for the next shot of a burst."""
    sketch = Sketch(-0.55, 0.55, 1.12, scale)
    skin = _SKIN[int(rng.integers(len(_SKIN)))]
    jacket = tinted(_CLOTHES[int(rng.integers(len(_CLOTHES)))], float(rng.uniform(0.75, 1.2)))
    trousers = _TROUSERS[int(rng.integers(len(_TROUSERS)))]
    stride, front = float(rng.uniform(-1, 1)), bool(rng.random() < 0.35)
    if step:
        stride = math.sin(math.asin(stride) + step)
    _leg(sketch, tinted(trousers, 0.75), -stride, front=front, side=-1)
    _arm(sketch, tinted(jacket, 0.72), skin, stride, front=front, side=-1)
    if not front and rng.random() < 0.4:
        pack = _CLOTHES[int(rng.integers(len(_CLOTHES)))]
        sketch.blob([(-0.05, 0.82), (-0.17, 0.8), (-0.19, 0.62), (-0.07, 0.58)], pack)
    _leg(sketch, trousers, stride, front=front, side=1)
    wide = 0.125 if front else 0.085
    hem = float(rng.uniform(0.44, 0.5))
    sketch.blob(
        [(-wide * 0.7, 0.845), (wide * 0.7, 0.845), (wide, 0.76), (wide * 0.9, hem), (-wide * 0.9, hem), (-wide, 0.76)],
        jacket,
    )
    if rng.random() < 0.25:
        sketch.limb([(-wide * 0.9, 0.68), (wide * 0.9, 0.68)], [0.03, 0.03], (228, 230, 120))
        sketch.ellipse((0, 0.68), (wide * 0.8, 0.012), (240, 240, 190), glow=150)
    _arm(sketch, tinted(jacket, 0.9), skin, -stride, front=front, side=1)
    _head(sketch, rng, skin, front=front)
    return sketch.finish(rng, flipped=flipped, fur=0.1, relief=0.8)


def _leg(sketch: Sketch, colour: Colour, stride: float, *, front: bool, side: int) -> None:
    hip: Point = (0.055 * side if front else 0.0, 0.5)
    knee: Point = (hip[0] + (0.01 * side if front else 0.1 * stride + 0.02), 0.27)
    foot: Point = (
        hip[0] + (0.02 * side if front else 0.15 * stride),
        0.03 + (0.03 * max(0.0, stride * side) if front else 0),
    )
    sketch.limb([hip, knee, foot], [0.11, 0.085, 0.06], colour)
    sketch.limb([foot, (foot[0] + (0.01 * side if front else 0.08), foot[1] - 0.01)], [0.055, 0.045], (38, 32, 28))


def _arm(sketch: Sketch, colour: Colour, skin: Colour, stride: float, *, front: bool, side: int) -> None:
    shoulder: Point = (0.125 * side if front else 0.0, 0.79)
    elbow = polar(shoulder, 0.16, -90 + (12 * side if front else 28 * stride))
    hand = polar(elbow, 0.15, -90 + (4 * side if front else 28 * stride + 18))
    sketch.limb([shoulder, elbow, hand], [0.075, 0.062, 0.05], colour)
    sketch.ellipse(hand, (0.025, 0.028), skin)


def _head(sketch: Sketch, rng: np.random.Generator, skin: Colour, *, front: bool) -> None:
    sketch.limb([(0, 0.84), (0.01, 0.89)], [0.06, 0.055], tinted(skin, 0.85))
    sketch.ellipse((0.01, 0.93), (0.052, 0.068), skin)
    hair: Colour = ((40, 30, 24), (110, 82, 50), (150, 148, 144), (20, 18, 18))[int(rng.integers(4))]
    cap = _CLOTHES[int(rng.integers(len(_CLOTHES)))] if rng.random() < 0.5 else hair
    top = [(0.01 + 0.058 * math.cos(angle), 0.945 + 0.06 * math.sin(angle)) for angle in np.linspace(0, math.pi, 9)]
    sketch.polygon(top, cap)
    if cap is not hair and not front:
        sketch.limb([(0.05, 0.95), (0.11, 0.945)], [0.018, 0.012], cap)
    if front:
        for side in (-1, 1):
            sketch.ellipse((0.01 + 0.02 * side, 0.93), (0.007, 0.007), (20, 16, 14), glow=120)
