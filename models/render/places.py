"""Builds what a camera always sees at one place: ground, trees, distractors, and how far away each pixel is."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from render.noise import Field, fractal
from render.plants import draw_bush, draw_grass, draw_stone, draw_stump, draw_trunk
from render.sketch import Sprite

KINDS = ("forest", "meadow", "snow", "track", "river")
_GROUND = {
    "forest": ((0.30, 0.25, 0.17), (0.24, 0.28, 0.13)),
    "meadow": ((0.33, 0.42, 0.18), (0.52, 0.52, 0.28)),
    "snow": ((0.86, 0.88, 0.92), (0.72, 0.76, 0.83)),
    "track": ((0.36, 0.38, 0.2), (0.46, 0.42, 0.3)),
    "river": ((0.46, 0.43, 0.37), (0.33, 0.36, 0.24)),
}
_TREES = {"forest": (7, 13), "meadow": (0, 3), "snow": (3, 8), "track": (3, 7), "river": (2, 5)}


@dataclass
class Place:
    """`colour` and `nearness` of every pixel; `front` is grass that stands before everything."""

    kind: str
    horizon: float
    colour: Field
    nearness: Field
    front: tuple[Field, Field]


def build_place(seed: int, kind: str, width: int, height: int) -> Place:
    rng = np.random.default_rng([seed, 11])
    horizon = float(rng.uniform(0.3, 0.42))
    place = Place(kind, horizon, *_ground(rng, kind, width, height, horizon), _front(rng, kind, width, height))
    _backdrop(rng, place)
    if kind in ("track", "river"):
        _ribbon(rng, place)
    _furnish(rng, place)
    return place


def paste(place_colour: Field, nearness: Field, sprite: Sprite, at: tuple[int, int], near: float) -> Field:
    """Puts the sprite with its foot `at` that column and row and returns its coverage in the picture."""
    height, width = nearness.shape
    cover = np.zeros((height, width), dtype=np.float32)
    left, top = at[0] - sprite.foot[0], at[1] - sprite.foot[1]
    rows, columns = sprite.alpha.shape
    y0, y1, x0, x1 = max(0, top), min(height, top + rows), max(0, left), min(width, left + columns)
    if y0 >= y1 or x0 >= x1:
        return cover
    part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    spot = slice(y0, y1), slice(x0, x1)
    alpha = sprite.alpha[part]
    cover[spot] = alpha
    place_colour[spot] = place_colour[spot] * (1 - alpha[:, :, None]) + sprite.colour[part] * alpha[:, :, None]
    nearness[spot] = nearness[spot] * (1 - alpha) + near * alpha
    return cover


def nearness_at(row: float, horizon: float) -> float:
    """0 at the horizon, 1 at the bottom edge; `row` is relative to the height."""
    return max(0.02, (row - horizon) / (1 - horizon))


def _ground(rng: np.random.Generator, kind: str, width: int, height: int, horizon: float) -> tuple[Field, Field]:
    rows = np.arange(height, dtype=np.float32)[:, None] / height
    near = np.clip((rows - horizon) / (1 - horizon), 0.004, 1.0)
    quarter = fractal(rng, 256, 256, (5, 5), octaves=6, persistence=0.78)
    half = np.concatenate([quarter, quarter[:, ::-1]], axis=1)
    tile = np.concatenate([half, half[::-1]], axis=0)  # mirrored, so that it repeats without a seam
    columns = (np.arange(width, dtype=np.float32)[None, :] / width - 0.5) * 4 / 3
    u = (columns / (near + 0.08) * 190 + 4000).astype(np.int32) % 512
    v = np.broadcast_to((150 / (near + 0.08)).astype(np.int32) % 512, u.shape)
    detail = tile[v, u] * np.clip(near * 2.5, 0.15, 1.0)
    patches = fractal(rng, width, height, (4, 6), octaves=4)
    first, second = (np.asarray(colour, dtype=np.float32) for colour in _GROUND[kind])
    blend = np.clip(0.5 + 1.1 * patches + 0.5 * detail, 0, 1)[:, :, None]
    strength = 0.16 if kind == "snow" else 0.55
    colour = (first * blend + second * (1 - blend)) * (1 + strength * detail[:, :, None])
    colour *= float(rng.uniform(0.85, 1.15))
    return np.clip(colour, 0, 1).astype(np.float32), np.broadcast_to(near, (height, width)).astype(np.float32).copy()


def _backdrop(rng: np.random.Generator, place: Place) -> None:
    """Sky above a line of far trees or hills, or a wall of leaves in the forest."""
    height, width = place.nearness.shape
    rows = np.arange(height, dtype=np.float32)[:, None] / height
    leaves = fractal(rng, width, height, (14, 10), octaves=5, persistence=0.7)
    profile = fractal(rng, width, 2, (9, 1), octaves=4)[0]
    closed = place.kind == "forest" or rng.random() < 0.25
    crest = place.horizon * (0.02 if closed else float(rng.uniform(0.35, 0.75))) + 0.05 * profile
    if place.kind == "snow":
        wood = np.asarray((0.34, 0.38, 0.38), dtype=np.float32)
    else:
        wood = np.asarray((0.17, 0.25, 0.12), dtype=np.float32) * float(rng.uniform(0.8, 1.3))
    sky = np.asarray((0.74, 0.8, 0.88), dtype=np.float32) * (1.05 - 0.25 * (1 - rows[:, :, None]))
    gaps = np.clip(4.0 * (leaves - 0.28), 0, 1)[:, :, None] * (0.7 if closed else 0.25)
    trees = wood * (1 + 0.9 * leaves[:, :, None])
    trees = trees * (1 - gaps) + sky * gaps
    above = (rows < place.horizon + 0.012 * profile[None, :])[:, :, None]
    far = np.where((rows > crest[None, :])[:, :, None], trees, np.broadcast_to(sky, trees.shape))
    place.colour[:] = np.where(above, np.clip(far, 0, 1), place.colour)
    place.nearness[:] = np.where(above[:, :, 0], 0.02, place.nearness)


def _ribbon(rng: np.random.Generator, place: Place) -> None:
    """A track or a river that comes from the horizon and widens."""
    height, width = place.nearness.shape
    rows = np.arange(height, dtype=np.float32)[:, None] / height
    columns = np.arange(width, dtype=np.float32)[None, :] / width
    near = np.clip((rows - place.horizon) / (1 - place.horizon), 0, 1)
    start, end = float(rng.uniform(0.25, 0.75)), float(rng.uniform(-0.1, 1.1))
    centre = start + (end - start) * near**1.5
    half = (0.015 + float(rng.uniform(0.2, 0.34)) * near) * (1 + 0.15 * fractal(rng, width, height, (5, 9), octaves=3))
    distance = np.abs(columns - centre) / half
    inside = np.clip((1 - distance) * 6, 0, 1) * (rows > place.horizon)
    texture = fractal(rng, width, height, (10, 50), octaves=3)
    if place.kind == "track":
        ruts = np.clip(1 - np.abs(distance - 0.55) * 5, 0, 1)
        colour = np.asarray((0.55, 0.48, 0.37), dtype=np.float32) * (1 + 0.2 * texture - 0.22 * ruts)[:, :, None]
    else:
        colour = np.asarray((0.36, 0.44, 0.48), dtype=np.float32) * (1 + 0.35 * texture + 0.2 * (1 - near))[:, :, None]
    place.colour[:] = np.clip(place.colour * (1 - inside[:, :, None]) + colour * inside[:, :, None], 0, 1)


def _furnish(rng: np.random.Generator, place: Place) -> None:
    """Trees, and stumps, stones, logs and bushes, which are not animals; the far ones first."""
    low, high = _TREES[place.kind]
    trees = [(float(near), True) for near in rng.uniform(0.02, 0.42, int(rng.integers(low, high + 1)))]
    small = [(float(near), False) for near in rng.uniform(0.08, 0.75, int(rng.integers(1, 6)))]
    for near, tree in sorted(trees + small):
        (_plant if tree else _scatter)(rng, place, near)


def _plant(rng: np.random.Generator, place: Place, near: float) -> None:
    height, width = place.nearness.shape
    row = place.horizon + near * (1 - place.horizon)
    sprite = draw_trunk(rng, height * (0.035 + 0.24 * near), height, snowy=place.kind == "snow")
    haze = max(0.0, 0.3 - near)
    sprite.colour[:] = sprite.colour * (1 - haze) + np.asarray((0.5, 0.54, 0.5), dtype=np.float32) * haze
    paste(place.colour, place.nearness, sprite, (int(rng.uniform(0, 1) * width), int(row * height)), near)


def _scatter(rng: np.random.Generator, place: Place, near: float) -> None:
    height, width = place.nearness.shape
    row, size = place.horizon + near * (1 - place.horizon), height * (0.03 + 0.2 * near)
    kind = rng.random()
    draw = draw_bush if kind < 0.4 else draw_stone if kind < 0.72 else draw_stump
    scale = float(rng.uniform(0.7, 1.6)) if draw is draw_bush else float(rng.uniform(0.35, 1.0))
    sprite = draw(rng, max(6.0, size * scale), snowy=place.kind == "snow")
    x, y = int(rng.uniform(0.02, 0.98) * width), int(row * height)
    half = sprite.alpha.shape[1] * 0.5
    cast_shadow(place.colour, half, x + round(half) - sprite.foot[0], y, 0.4)
    paste(place.colour, place.nearness, sprite, (x, y), near)


def cast_shadow(colour: Field, half: float, x: int, y: int, depth: float) -> None:
    """Darkens a soft flat ellipse of ground."""
    height, width = colour.shape[:2]
    flat = max(2.0, half * 0.16)
    y0, y1 = max(0, int(y - 3 * flat)), min(height, int(y + 3 * flat) + 1)
    x0, x1 = max(0, int(x - 1.6 * half)), min(width, int(x + 1.6 * half) + 1)
    if y0 >= y1 or x0 >= x1:
        return
    rows = (np.arange(y0, y1, dtype=np.float32)[:, None] - y) / flat
    columns = (np.arange(x0, x1, dtype=np.float32)[None, :] - x) / half
    fall = np.exp(-(rows**2 + columns**2))
    colour[y0:y1, x0:x1] *= (1 - depth * fall)[:, :, None]


def _front(rng: np.random.Generator, kind: str, width: int, height: int) -> tuple[Field, Field]:
    """Grass before the lens: coverage and colour."""
    amount = {"forest": 40, "meadow": 160, "snow": 12, "track": 70, "river": 50}[kind]
    image, mask = draw_grass(rng, kind, width, height, int(amount * float(rng.uniform(0.2, 1.2))))
    blur = ImageFilter.GaussianBlur(height / 700)
    cover = np.asarray(mask.filter(blur), dtype=np.float32) / 255
    return cover, np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BOX), dtype=np.float32) / 255
