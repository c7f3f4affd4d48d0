"""Draws trunks, bushes, stumps, stones and grass."""

import math

import numpy as np
from PIL import Image, ImageDraw

from render.noise import fractal
from render.sketch import Colour, Sketch, Sprite, tinted


def draw_trunk(rng: np.random.Generator, thickness: float, height: int, *, snowy: bool) -> Sprite:
    """A trunk that leaves the picture at the top; `thickness` in pixels."""
    tall = height / thickness * 1.1
    sketch = Sketch(-3.0, 3.0, min(tall, 30.0), thickness)
    birch = rng.random() < 0.2
    bark: Colour = (206, 204, 196) if birch else ((92, 74, 58), (74, 66, 58), (110, 92, 74))[int(rng.integers(3))]
    bark = tinted(bark, float(rng.uniform(0.7, 1.1)))
    lean = float(rng.uniform(-0.6, 0.6))
    sketch.limb([(0, 0), (0, 0.8), (lean, tall)], [1.35, 0.95, 0.7], bark)
    for side in (-1, 1):
        sketch.limb([(0, 0.5), (0.75 * side, 0.0)], [0.5, 0.2], tinted(bark, 0.85))
    for _ in range(int(rng.integers(0, 5))):
        up, side = float(rng.uniform(0.2, 0.9)) * tall, float(rng.choice([-1.0, 1.0]))
        start = (lean * up / tall, up)
        sketch.limb(
            [start, (start[0] + side * 1.2, up + 0.5), (start[0] + side * 2.6, up + 1.6)],
            [0.3, 0.2, 0.08],
            tinted(bark, 0.8),
        )
    if birch:
        for up in rng.uniform(0.2, tall, 14):
            x = lean * float(up) / tall + float(rng.uniform(-0.3, 0.2))
            sketch.limb([(x, float(up)), (x + 0.3, float(up))], [0.12, 0.05], (46, 44, 42))
    if snowy:
        sketch.limb([(-0.38, 0.4), (lean - 0.3, tall)], [0.2, 0.12], (226, 230, 238))
    return sketch.finish(rng, flipped=False, fur=0.35, relief=0.3)


def draw_bush(rng: np.random.Generator, size: float, *, snowy: bool) -> Sprite:
    sketch = Sketch(-1.3, 1.3, 1.5, size)
    leaf: Colour = (178, 184, 190) if snowy else ((58, 82, 40), (78, 92, 44), (96, 84, 50))[int(rng.integers(3))]
    for _ in range(int(rng.integers(22, 46))):
        angle, reach = float(rng.uniform(0.1, math.pi - 0.1)), float(rng.uniform(0.15, 1.0))
        centre = (reach * math.cos(angle) * 0.95, max(0.06, reach * math.sin(angle)))
        radius = float(rng.uniform(0.09, 0.24))
        sketch.ellipse(centre, (radius, radius * 0.8), tinted(leaf, float(rng.uniform(0.55, 1.3))))
    for _ in range(12):
        angle = float(rng.uniform(0.3, math.pi - 0.3))
        sketch.limb([(0, 0.05), (1.15 * math.cos(angle), 1.2 * math.sin(angle))], [0.05, 0.015], tinted(leaf, 0.6))
    return sketch.finish(rng, flipped=False, fur=0.5, relief=0.5)


def draw_stump(rng: np.random.Generator, size: float, *, snowy: bool) -> Sprite:
    """A stump, or a log that lies as long as an animal."""
    sketch = Sketch(-2.4, 2.4, 1.3, size)
    bark = tinted((96, 76, 56), float(rng.uniform(0.6, 1.1)))
    top: Colour = (228, 232, 240) if snowy else (176, 146, 106)
    if rng.random() < 0.5:
        sketch.polygon([(-0.5, 0), (-0.4, 0.75), (0.4, 0.8), (0.52, 0)], bark)
        sketch.ellipse((0, 0.78), (0.4, 0.13), top)
        sketch.limb([(-0.4, 0.15), (-0.8, 0.0)], [0.25, 0.1], bark)
    else:
        sketch.limb([(-2.0, 0.25), (1.9, 0.3)], [0.42, 0.5], bark)
        sketch.ellipse((1.95, 0.3), (0.12, 0.25), (176, 146, 106))
        if snowy:
            sketch.limb([(-1.9, 0.42), (1.8, 0.5)], [0.1, 0.12], top)
    return sketch.finish(rng, flipped=bool(rng.random() < 0.5), fur=0.4, relief=0.8)


def draw_stone(rng: np.random.Generator, size: float, *, snowy: bool) -> Sprite:
    sketch = Sketch(-1.6, 1.6, 1.3, size)
    grey = int(rng.uniform(78, 150))
    rim = [
        (float(rng.uniform(0.75, 1.25)) * math.cos(angle), max(0.0, float(rng.uniform(0.5, 0.9)) * math.sin(angle)))
        for angle in np.linspace(0, math.pi, 8)
    ]
    sketch.blob([*rim, (-0.6, -0.05), (0.6, -0.05)], (grey, int(grey * 0.98), int(grey * 0.92)))
    if snowy:
        sketch.blob([(x * 0.85, y + 0.06) for x, y in rim[1:-1]], (226, 230, 238))
    return sketch.finish(rng, flipped=False, fur=0.35)


def draw_grass(
    rng: np.random.Generator, kind: str, width: int, height: int, blades: int
) -> tuple[Image.Image, Image.Image]:
    """Blades that rise from the bottom edge, as colours and as coverage."""
    image, mask = Image.new("RGB", (width, height)), Image.new("L", (width, height))
    brushes = ImageDraw.Draw(image), ImageDraw.Draw(mask)
    tone: Colour = (170, 160, 128) if kind == "snow" else ((104, 124, 58), (136, 132, 72))[int(rng.integers(2))]
    clumps = fractal(rng, 64, 2, (5, 1), octaves=3)[0]
    for _ in range(blades):
        x = float(rng.uniform(0, 1))
        length = 0.05 + 0.1 * float(rng.uniform(0, 1)) * (1 + float(clumps[int(x * 63)]))
        bend, thick = float(rng.uniform(-0.05, 0.05)), float(rng.uniform(0.002, 0.005)) * height
        root, tip = (x * width, height), ((x + bend) * width, (1 - length) * height)
        middle = ((x + bend * 0.3) * width, (1 - length * 0.6) * height)
        points = [
            (root[0] - thick, root[1]),
            (middle[0] - thick * 0.6, middle[1]),
            tip,
            (middle[0] + thick * 0.6, middle[1]),
            (root[0] + thick, root[1]),
        ]
        brushes[0].polygon(points, fill=tinted(tone, float(rng.uniform(0.5, 1.2))))
        brushes[1].polygon(points, fill=255)
    return image, mask
