"""Composes photos: who stands where at a place, in which light, and the exact box of each."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from render import people, vehicles
from render.camera import BAR_SHARE, expose, random_light, stamp_bar
from render.noise import Field
from render.places import KINDS, Place, build_place, cast_shadow, nearness_at, paste
from render.sketch import Sprite
from render.species import SPECIES, draw_animal, metres_tall

CATEGORIES = ("animal", "human", "vehicle")
VISIBLE = 0.35  # coverage from which a pixel counts as part of the thing
CAMERA_METRES = 0.95
_LARGEST = {"eurasian badger": 0.25, "european hare": 0.28, "red fox": 0.3, "wild boar": 0.33}


@dataclass(frozen=True)
class Truth:
    """A box relative to the picture, from its top left corner."""

    category: str
    species: str | None
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Actor:
    """Someone in a scene: `across` and `row` (of the feet) are relative; `seed` fixes looks and pose."""

    category: str
    species: str | None
    across: float
    row: float
    flipped: bool
    seed: int
    blur: float = 0.0
    taller: float = 1.0
    step: float = 0.0


def render_photo(
    place: Place,
    actors: list[Actor],
    seed: int,
    *,
    night: bool,
    texts: tuple[str, str, str],
    light_seed: int | None = None,
    shadow_seed: int = 0,
    moon: float | None = None,
) -> tuple[Image.Image, list[Truth]]:
    rng = np.random.default_rng([seed, 23])
    colour, nearness = place.colour.copy(), place.nearness.copy()
    height, width = nearness.shape
    glow = np.zeros((height, width), dtype=np.float32)
    covers: list[tuple[Actor, Field]] = []
    for actor in sorted(actors, key=lambda one: one.row):
        cover, shine = _stand(colour, nearness, place, actor)
        covers = [(other, mask * (1 - cover)) for other, mask in covers]
        glow = glow * (1 - cover) + shine
        covers.append((actor, cover))
    front, blades = place.front
    colour = colour * (1 - front[:, :, None]) + blades * front[:, :, None]
    nearness = nearness * (1 - front) + front
    light = random_light(
        np.random.default_rng([seed if light_seed is None else light_seed, 31]), night=night, kind=place.kind
    )
    picture = expose(rng, colour, nearness, glow * (1 - front), light, shadow_seed=shadow_seed)
    image = Image.fromarray((picture * 255).astype(np.uint8))
    stamp_bar(image, texts, moon=float(rng.uniform(0.2, 1.0)) if moon is None else moon)
    edge = height - round(height * BAR_SHARE)
    boxes = [_box(actor, cover * (1 - front), edge) for actor, cover in covers]
    return image, [box for box in boxes if box is not None]


def draw_actor(actor: Actor, pixels_per_metre: float) -> Sprite:
    rng = np.random.default_rng([actor.seed, 47])
    pixels = pixels_per_metre * actor.taller
    if actor.category == "human":
        return people.draw_person(rng, pixels * people.METRES, flipped=actor.flipped, step=actor.step)
    if actor.category == "vehicle":
        return vehicles.draw_vehicle(rng, pixels * vehicles.METRES, flipped=actor.flipped)
    assert actor.species is not None
    return draw_animal(rng, actor.species, pixels * metres_tall(actor.species), flipped=actor.flipped, step=actor.step)


def pixels_per_metre(place: Place, row: float, height: int) -> float:
    return (row - place.horizon) * height / CAMERA_METRES


def _stand(colour: Field, nearness: Field, place: Place, actor: Actor) -> tuple[Field, Field]:
    height, width = nearness.shape
    sprite = draw_actor(actor, pixels_per_metre(place, actor.row, height))
    if actor.blur > 0:
        sprite = _moved(sprite, max(1, round(actor.blur * width)))
    x, y = round(actor.across * width), round(actor.row * height)
    near = nearness_at(actor.row, place.horizon)
    centre = x + sprite.alpha.shape[1] // 2 - sprite.foot[0]
    cast_shadow(colour, sprite.alpha.shape[1] * 0.48, centre, y, 0.5)
    cover = paste(colour, nearness, sprite, (x, y), near)
    shine = np.zeros_like(cover)
    lamp = Sprite(sprite.colour, sprite.glow, sprite.glow, sprite.foot)
    scratch = np.zeros((height, width, 3), dtype=np.float32)
    shine = paste(scratch, shine, lamp, (x, y), 0.0)
    return cover, shine


def _moved(sprite: Sprite, length: int) -> Sprite:
    """The smear of a walk during the exposure: the mean of shifted copies."""
    pad = ((0, 0), (0, length))
    alpha, glow = np.pad(sprite.alpha, pad), np.pad(sprite.glow, pad)
    premultiplied = np.pad(sprite.colour * sprite.alpha[:, :, None], (*pad, (0, 0)))
    shifts = range(length + 1)
    cover = np.mean([np.roll(alpha, shift, 1) for shift in shifts], axis=0, dtype=np.float32)
    total = np.mean([np.roll(premultiplied, shift, 1) for shift in shifts], axis=0, dtype=np.float32)
    shine = np.max([np.roll(glow, shift, 1) for shift in shifts], axis=0) * 0.7
    return replace(sprite, colour=total / np.maximum(cover, 1e-3)[:, :, None], alpha=cover, glow=shine)


def _box(actor: Actor, cover: Field, edge: int) -> Truth | None:
    height, width = cover.shape
    seen = cover[:edge] >= VISIBLE
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if rows.size < 0.02 * height or columns.size < 0.02 * width:
        return None
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return Truth(
        actor.category, actor.species, left / width, top / height, (right - left) / width, (bottom - top) / height
    )


def random_actor(rng: np.random.Generator, place: Place, category: str, species: str | None) -> Actor:
    """Near enough to be told apart, far enough to fit."""
    metres = {"human": people.METRES, "vehicle": vehicles.METRES}.get(category) or metres_tall(species or "")
    low, high = {"human": (0.16, 0.62), "vehicle": (0.14, 0.4)}.get(category) or (
        0.11,
        _LARGEST.get(species or "", 0.38),
    )
    size = float(rng.uniform(low, high))
    row = place.horizon + size * CAMERA_METRES / metres
    limit = 0.94 if category == "animal" else 0.99
    taller = 1.0
    if row > limit:
        taller, row = min(1.35, (row - place.horizon) / (limit - place.horizon)), limit - float(rng.uniform(0, 0.06))
    blur = float(rng.uniform(0.002, 0.012)) if rng.random() < 0.2 else 0.0
    return Actor(
        category,
        species,
        float(rng.uniform(0.08, 0.92)),
        row,
        bool(rng.random() < 0.5),
        int(rng.integers(2**31)),
        blur,
        taller,
    )


def random_actors(rng: np.random.Generator, place: Place) -> list[Actor]:
    """One photo's cast: often an animal or two, sometimes people or a vehicle, often nobody."""
    draw = rng.random()
    if draw < 0.2:
        return []
    if draw < 0.62:
        species = SPECIES[int(rng.integers(len(SPECIES)))]
        cast = [("animal", species)] * int(rng.choice([1, 2, 3], p=[0.7, 0.22, 0.08]))
    elif draw < 0.82:
        cast = [("human", None)] * int(rng.choice([1, 2, 3], p=[0.6, 0.28, 0.12]))
    elif draw < 0.95:
        cast = [("vehicle", None)]
    else:
        cast = [("vehicle", None), ("human", None)]
    return separated([random_actor(rng, place, category, species) for category, species in cast])


def random_herd(rng: np.random.Generator, place: Place) -> list[Actor]:
    """Animals that no real photo would show together; for learning species."""
    chosen = [SPECIES[int(index)] for index in rng.integers(0, len(SPECIES), 4)]
    return separated([random_actor(rng, place, "animal", species) for species in chosen])


def separated(actors: list[Actor]) -> list[Actor]:
    """Drops those who would stand right before another."""
    kept: list[Actor] = []
    for actor in actors:
        if all(abs(actor.across - other.across) > 0.22 for other in kept):
            kept.append(actor)
    return kept


def random_photo(seed: int, width: int, height: int) -> tuple[Image.Image, list[Truth]]:
    """The photo of a seed: everything about it is drawn from that number."""
    return random_photos(seed, width, height, shots=1)[0]


def random_photos(seed: int, width: int, height: int, shots: int) -> list[tuple[Image.Image, list[Truth]]]:
    """Several unrelated shots at the place of a seed; every third shows animals of any species."""
    rng = np.random.default_rng([seed, 5])
    place = build_place(seed, KINDS[int(rng.integers(len(KINDS)))], width, height)
    photos: list[tuple[Image.Image, list[Truth]]] = []
    for shot in range(shots):
        night = bool(rng.random() < 0.45)
        texts = (f"CAM {int(rng.integers(1, 99)):02d}", f"{int(rng.integers(-12, 31))}C", _clock(rng, night=night))
        actors = random_herd(rng, place) if shot % 3 == 2 else random_actors(rng, place)
        photos.append(render_photo(place, actors, seed * 100 + shot, night=night, texts=texts, shadow_seed=seed))
    return photos


def _clock(rng: np.random.Generator, *, night: bool) -> str:
    hour = int(rng.choice([22, 23, 0, 1, 2, 3])) if night else int(rng.integers(7, 19))
    day, month = int(rng.integers(1, 29)), int(rng.integers(1, 13))
    return f"2025-{month:02d}-{day:02d} {hour:02d}:{int(rng.integers(60)):02d}:{int(rng.integers(60)):02d}"
