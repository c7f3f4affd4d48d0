"""Knows the eight European species: proportions, coats and the markings by which each is told apart."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from render.quadruped import Anchors, Build, between, draw_quadruped, polar, random_pose
from render.sketch import Colour, Sketch, Sprite, tinted

SPECIES = (
    "red deer",
    "roe deer",
    "wild boar",
    "red fox",
    "eurasian badger",
    "brown bear",
    "european hare",
    "grey wolf",
)

_WHITE: Colour = (232, 226, 214)
_DARK: Colour = (34, 30, 28)

BUILDS: dict[str, Build] = {
    "red deer": Build(
        1.25, 1.05, 0.44, 0.38, 0.97, 0.42, 0.02, (0.46, 0.2, 52), (0.38, 0.17, 0.09, -24), 0.062, 0.2,
        (0.12, 0.06, -70), ("leaf", 0.2), (140, 92, 56), (158, 122, 88), (98, 68, 46), (118, 82, 56),
    ),
    "roe deer": Build(
        0.75, 0.98, 0.4, 0.36, 1.0, 0.4, 0.0, (0.4, 0.15, 60), (0.3, 0.16, 0.08, -20), 0.05, 0.17,
        (0.0, 0.0, 0), ("leaf", 0.22), (178, 112, 64), (202, 160, 118), (160, 104, 62), (140, 108, 84),
    ),
    "wild boar": Build(
        0.85, 1.2, 0.6, 0.6, 0.86, 0.5, 0.07, (0.14, 0.46, -6), (0.6, 0.42, 0.15, -26), 0.085, 0.26,
        (0.3, 0.05, -62), ("pointed", 0.2), (66, 57, 50), (54, 46, 41), (40, 34, 31), (86, 76, 68),
    ),
    "red fox": Build(
        0.42, 1.3, 0.42, 0.37, 0.95, 0.4, 0.0, (0.2, 0.25, 26), (0.44, 0.29, 0.09, -12), 0.075, 0.2,
        (1.1, 0.3, -24), ("pointed", 0.27), (204, 104, 40), (226, 206, 180), (38, 30, 28), (210, 132, 72),
    ),
    "eurasian badger": Build(
        0.36, 1.75, 0.7, 0.68, 1.02, 0.76, 0.04, (0.06, 0.46, -4), (0.66, 0.42, 0.16, -16), 0.17, 0.34,
        (0.34, 0.16, -38), ("round", 0.13), (136, 132, 124), (36, 33, 32), (30, 27, 26), (226, 222, 214),
    ),
    "brown bear": Build(
        1.05, 1.2, 0.6, 0.58, 0.96, 0.62, 0.13, (0.2, 0.42, 8), (0.44, 0.38, 0.19, -12), 0.19, 0.36,
        (0.0, 0.0, 0), ("round", 0.15), (98, 66, 42), (80, 54, 36), (64, 44, 32), (128, 96, 66),
    ),
    "grey wolf": Build(
        0.8, 1.14, 0.43, 0.33, 0.95, 0.38, 0.02, (0.3, 0.27, 26), (0.42, 0.24, 0.1, -12), 0.07, 0.2,
        (0.62, 0.17, -66), ("pointed", 0.17), (132, 127, 118), (196, 190, 178), (178, 170, 156), (168, 162, 150),
    ),
}  # fmt: skip

HARE_METRES = 0.34
GRAZING = {"red deer": 0.3, "roe deer": 0.3, "wild boar": 0.0, "brown bear": 0.1}


def metres_tall(species: str) -> float:
    """Height of the shoulder (of the back, for the hare)."""
    return HARE_METRES if species == "european hare" else BUILDS[species].metres


def draw_animal(rng: np.random.Generator, species: str, scale: float, *, flipped: bool, step: float = 0.0) -> Sprite:
    """`scale` is pixels per shoulder height; `step` moves the legs on, for the next shot of a burst."""
    sketch = Sketch(-3.4, 2.0, 2.5, scale)
    if species == "european hare":
        _hare(sketch, rng)
    else:
        build = _varied(rng, BUILDS[species])
        pose = random_pose(rng, GRAZING.get(species, 0.12))
        pose = replace(pose, phase=pose.phase + step)
        anchors = draw_quadruped(sketch, build, pose)
        _MARKINGS[species](sketch, build, anchors, rng)
    return sketch.finish(rng, flipped=flipped, fur=0.3 if species != "red fox" else 0.22)


def _varied(rng: np.random.Generator, build: Build) -> Build:
    """No two animals alike: sizes vary by some percent, coats by lightness and warmth."""

    def some(value: float, share: float = 0.07) -> float:
        return value * float(rng.uniform(1 - share, 1 + share))

    light = float(rng.uniform(0.82, 1.18))
    return replace(
        build,
        length=some(build.length),
        chest=some(build.chest, 0.05),
        neck=(some(build.neck[0]), some(build.neck[1]), build.neck[2] + float(rng.uniform(-5, 5))),
        head=(some(build.head[0]), some(build.head[1]), some(build.head[2]), build.head[3] + float(rng.uniform(-6, 6))),
        tail=(some(build.tail[0]), some(build.tail[1]), build.tail[2] + float(rng.uniform(-8, 8))),
        coat=tinted(build.coat, light),
        face=tinted(build.face, light),
        legs=tinted(build.legs, light),
    )


def _red_deer(sketch: Sketch, build: Build, at: Anchors, rng: np.random.Generator) -> None:
    sketch.ellipse(at.rump, (0.07, 0.14), (206, 172, 126))
    sketch.limb(
        [(0.04, 1 - 0.5 * build.chest), between((0.0, 0.85), at.poll, 0.7)], [0.2, 0.17], tinted(build.coat, 0.72)
    )
    if rng.random() < 0.15:
        return
    height = float(rng.uniform(0.6, 0.85))
    for side, shade in ((-1, 0.75), (1, 1.0)):
        bone = tinted((196, 170, 130), shade)
        root = polar(at.poll, 0.08, at.head_angle + 100)
        middle = polar(root, height * 0.5, at.head_angle + 124 + 12 * side)
        tip = polar(middle, height * 0.55, at.head_angle + 98 + 9 * side)
        sketch.limb([root, middle, tip], [0.05, 0.042, 0.02], bone)
        for share, length in ((0.12, 0.22), (0.4, 0.2), (0.75, 0.2), (0.9, 0.16)):
            start = between(root, middle, share * 2) if share < 0.5 else between(middle, tip, share * 2 - 1)
            sketch.limb([start, polar(start, length, at.head_angle + 72 - 14 * side)], [0.034, 0.014], bone)


def _roe_deer(sketch: Sketch, build: Build, at: Anchors, rng: np.random.Generator) -> None:
    sketch.ellipse((at.rump[0] + 0.0, at.rump[1]), (0.1, 0.15), (244, 238, 226))
    sketch.ellipse(at.snout, (build.head[2] * 0.6, build.head[2] * 0.5), _DARK)
    chin = polar(between(at.poll, at.snout, 0.85), build.head[2] * 0.55, at.head_angle - 90)
    sketch.ellipse(chin, (0.035, 0.022), _WHITE)
    if rng.random() < 0.5:
        for side in (-1, 1):
            root = polar(at.poll, 0.07, at.head_angle + 100)
            tip = polar(root, 0.2, at.head_angle + 106 + 10 * side)
            sketch.limb([root, tip], [0.035, 0.014], (150, 126, 98))


def _wild_boar(sketch: Sketch, build: Build, at: Anchors, rng: np.random.Generator) -> None:
    crest = tinted(build.coat, 0.62)
    for share in np.linspace(0.0, 1.0, 26):
        root = between((at.poll[0], at.poll[1] + 0.14), (at.back[0], at.back[1] - 0.01), float(share))
        lift = 0.07 * math.sin(math.pi * float(share)) + build.hump * 0.9 * math.sin(math.pi * float(share))
        start = (root[0], root[1] + lift - 0.04)
        sketch.limb([start, polar(start, float(rng.uniform(0.1, 0.17)), 118)], [0.03, 0.006], crest)
    sketch.limb([between(at.poll, at.snout, 0.72), at.snout], [0.2, build.head[2]], tinted(build.face, 1.1))
    sketch.ellipse(polar(at.snout, 0.01, at.head_angle), (0.035, build.head[2] * 0.5), (140, 108, 96))
    tusk = polar(between(at.poll, at.snout, 0.82), 0.05, at.head_angle - 90)
    sketch.limb([tusk, polar(tusk, 0.11, at.head_angle + 72)], [0.032, 0.01], (240, 234, 214))


def _red_fox(sketch: Sketch, build: Build, at: Anchors, _rng: np.random.Generator) -> None:
    brush = between(at.tail_root, at.tail_tip, 0.8)
    sketch.limb([brush, at.tail_tip], [build.tail[1] * 0.78, build.tail[1] * 0.42], (244, 238, 226))
    sketch.limb([(0.09, 1 - 0.74 * build.chest), polar(at.poll, 0.14, at.head_angle - 88)], [0.17, 0.12], _WHITE)
    jaw = polar(between(at.poll, at.snout, 0.55), 0.06, at.head_angle - 90)
    sketch.limb([polar(at.poll, 0.12, at.head_angle - 70), jaw, at.snout], [0.08, 0.07, 0.03], _WHITE)
    ear = polar(at.poll, build.head[1] * 0.4 + build.ear[1] * 0.72, at.head_angle + 117)
    sketch.ellipse(ear, (0.04, 0.06), _DARK)


def _badger(sketch: Sketch, build: Build, at: Anchors, _rng: np.random.Generator) -> None:
    up = at.head_angle + 90
    start = polar(at.poll, 0.02, up)
    sketch.limb(
        [polar(at.poll, 0.1, at.head_angle + 180), between(at.poll, at.snout, 0.86)], [0.4, 0.16], (236, 232, 224)
    )
    width = build.head[1]
    for shift, thick in ((0.08, 0.13), (-0.52, 0.08)):
        root = polar(start, shift * width - 0.02, up)
        end = polar(between(at.poll, at.snout, 0.9), shift * 0.3 * width, up)
        sketch.limb([polar(root, 0.16, at.head_angle + 180), root, end], [thick, thick, thick * 0.5], (22, 20, 20))
    sketch.ellipse(polar(between(at.poll, at.snout, 0.42), 0.04, up), (0.028, 0.028), (10, 10, 10), glow=230)
    sketch.ellipse(at.snout, (build.head[2] * 0.45, build.head[2] * 0.42), _DARK)
    root = polar(at.poll, width * 0.46, at.head_angle + 105)
    sketch.ellipse(root, (0.085, 0.075), _DARK)
    sketch.ellipse(polar(root, 0.05, up), (0.055, 0.035), (240, 236, 228))


def _brown_bear(sketch: Sketch, build: Build, at: Anchors, _rng: np.random.Generator) -> None:
    sketch.limb([(-0.2, 0.96), (-0.06, 0.96 + 0.5 * build.hump)], [0.3, 0.26], tinted(build.coat, 1.18))
    sketch.limb([between(at.poll, at.snout, 0.6), at.snout], [0.21, build.head[2]], tinted(build.face, 1.15))
    sketch.ellipse(polar(at.snout, 0.05, at.head_angle), (0.06, 0.055), _DARK)


def _grey_wolf(sketch: Sketch, build: Build, at: Anchors, _rng: np.random.Generator) -> None:
    saddle = tinted(build.coat, 0.58)
    sketch.limb(
        [(0.02, 0.9), (at.back[0], at.back[1] - 0.09), (at.rump[0] + 0.12, at.rump[1] + 0.07)],
        [0.15, 0.17, 0.12],
        saddle,
    )
    sketch.limb(
        [between(at.tail_root, at.tail_tip, 0.72), at.tail_tip], [build.tail[1] * 0.8, build.tail[1] * 0.45], _DARK
    )
    ruff = polar(at.poll, 0.1, at.head_angle - 95)
    sketch.limb([(0.08, 1 - 0.6 * build.chest), ruff], [0.16, 0.13], (208, 202, 190))
    jaw = polar(between(at.poll, at.snout, 0.6), 0.05, at.head_angle - 90)
    sketch.limb([ruff, jaw, polar(at.snout, 0.02, at.head_angle - 90)], [0.1, 0.07, 0.04], (214, 208, 198))


def _hare(sketch: Sketch, rng: np.random.Generator) -> None:
    """Sits or lopes: a rounded back, a long hind foot and the ears with black tips."""
    coat = tinted((158, 128, 92), float(rng.uniform(0.82, 1.15)))
    pale, loping = tinted(coat, 1.35), float(rng.uniform(0.0, 1.0))
    rear, top = -1.0 - 0.45 * loping, 1.0 - 0.12 * loping
    sketch.limb([(-0.1, 0.4), (0.12 + 0.3 * loping, 0.03)], [0.16, 0.08], tinted(coat, 0.8))
    sketch.ellipse((rear - 0.06, 0.34), (0.14, 0.12), (238, 232, 222))
    sketch.blob(
        [
            (0.18, 0.62),
            (-0.1, 0.84),
            (rear * 0.55, top),
            (rear * 0.95, top * 0.78),
            (rear, 0.3),
            (rear * 0.7, 0.1),
            (-0.2, 0.2),
            (0.12, 0.36),
        ],
        coat,
    )
    sketch.limb([(-0.1, 0.24), (rear * 0.6, 0.16)], [0.12, 0.1], pale)
    sketch.ellipse((rear * 0.72, 0.4), (0.32, 0.34), tinted(coat, 1.08))
    sketch.limb([(rear * 0.85, 0.12), (rear * 0.85 + 0.55, 0.05)], [0.13, 0.09], pale)
    sketch.limb([(0.02, 0.42), (0.1 + 0.2 * loping, 0.04)], [0.17, 0.09], coat)
    head = (0.22 + 0.1 * loping, 0.86 - 0.1 * loping)
    sketch.limb([(-0.02, 0.62), head], [0.46, 0.34], coat)
    sketch.limb([head, (head[0] + 0.25, head[1] - 0.1)], [0.36, 0.2], tinted(coat, 1.06))
    lean = float(rng.uniform(92, 150))
    for shift, shade in ((-16, 0.78), (0, 1.0)):
        root, angle = polar(head, 0.13, 105), lean + shift
        middle, tip = polar(root, 0.38, angle), polar(root, 0.72, angle)
        sketch.limb([root, middle, tip], [0.1, 0.17, 0.07], tinted(coat, shade))
        sketch.limb([polar(root, 0.58, angle), tip], [0.13, 0.07], _DARK)
    sketch.ellipse((head[0] + 0.1, head[1] + 0.05), (0.045, 0.05), (20, 14, 10), glow=255)


_Marking = Callable[[Sketch, Build, Anchors, np.random.Generator], None]
_MARKINGS: dict[str, _Marking] = {
    "red deer": _red_deer,
    "roe deer": _roe_deer,
    "wild boar": _wild_boar,
    "red fox": _red_fox,
    "eurasian badger": _badger,
    "brown bear": _brown_bear,
    "grey wolf": _grey_wolf,
}
