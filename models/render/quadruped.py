"""Draws a four-legged animal from side on out of a table of proportions and a pose."""

import math
from dataclasses import dataclass

import numpy as np

from render.sketch import Colour, Point, Sketch, tinted


@dataclass(frozen=True)
class Build:
    """Proportions in units of the shoulder height, angles in degrees, colours as seen by day."""

    metres: float
    length: float
    chest: float
    belly: float
    rump: float
    rump_depth: float
    hump: float
    neck: tuple[float, float, float]  # length, width at the head, angle
    head: tuple[float, float, float, float]  # length, width, width of the snout, angle
    leg: float
    thigh: float
    tail: tuple[float, float, float]  # length, width, angle
    ear: tuple[str, float]
    coat: Colour
    under: Colour
    legs: Colour
    face: Colour


@dataclass(frozen=True)
class Pose:
    phase: float
    lift: float  # degrees by which the neck is raised
    gait: float


@dataclass(frozen=True)
class Anchors:
    """Places on the drawn body at which a species' markings attach."""

    poll: Point
    snout: Point
    withers: Point
    back: Point
    rump: Point
    tail_root: Point
    tail_tip: Point
    head_angle: float


def polar(start: Point, length: float, degrees: float) -> Point:
    angle = math.radians(degrees)
    return start[0] + length * math.cos(angle), start[1] + length * math.sin(angle)


def between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def random_pose(rng: np.random.Generator, grazing: float) -> Pose:
    lift = float(rng.uniform(-75, -45)) if rng.random() < grazing else float(rng.uniform(-14, 10))
    return Pose(phase=float(rng.uniform(0, 2 * math.pi)), lift=lift, gait=float(rng.uniform(0.4, 1.0)))


def draw_quadruped(sketch: Sketch, build: Build, pose: Pose) -> Anchors:
    rear = -build.length
    _legs(sketch, build, pose, near=False)
    tail_root = (rear * 0.99, build.rump - 0.12)
    tail_tip = _tail(sketch, build, tail_root)
    floor = 1 - build.chest
    base = 1 - build.belly
    sketch.blob(
        [
            (0.15, 1 - 0.5 * build.chest),
            (0.1, 0.94),
            (-0.12, 1 + build.hump),
            (rear * 0.5, (1 + build.rump) / 2 - 0.03 + 0.4 * build.hump),
            (rear * 0.85, build.rump),
            (rear * 1.02, build.rump - 0.16),
            (rear * 1.02, build.rump - 0.6 * build.rump_depth),
            (rear * 0.9, build.rump - build.rump_depth),
            (rear * 0.6, base),
            (rear * 0.22, floor),
            (0.06, floor + 0.12 * build.chest),
        ],
        build.coat,
    )
    sketch.limb(
        [(-0.08, floor + 0.06), (rear * 0.55, base + 0.045), (rear * 0.82, base + 0.05)],
        [0.1, 0.09, 0.05],
        build.under,
    )
    _legs(sketch, build, pose, near=True)
    return _neck_and_head(sketch, build, pose, tail_root, tail_tip)


def _tail(sketch: Sketch, build: Build, root: Point) -> Point:
    length, width, angle = build.tail
    tip = polar(root, length, 180 - angle)
    if length > 0:
        middle = polar(root, length * 0.55, 180 - angle * 0.8)
        sketch.limb([root, middle, tip], [width * 0.5, width, width * 0.45], build.coat)
    return tip


def _legs(sketch: Sketch, build: Build, pose: Pose, *, near: bool) -> None:
    turn = pose.phase + (0.0 if near else math.pi)
    shade = 1.0 if near else 0.68
    upper, lower = tinted(build.coat, shade), tinted(build.legs, shade)
    offset = 0.0 if near else 0.05
    reach = 0.2 * pose.gait * (1 - 0.4 * build.chest)
    fore, hind = (
        (0.0 + offset, 1 - 0.75 * build.chest),
        (-build.length * 0.9 + offset, build.rump - 0.5 * build.rump_depth),
    )
    foot = (fore[0] + reach * math.sin(turn), 0.02)
    knee = (fore[0] + 0.5 * reach * math.sin(turn) + 0.02, 0.5 * fore[1])
    sketch.limb([fore, knee], [build.thigh * 0.8, build.leg * 1.25], upper)
    sketch.limb([knee, foot], [build.leg * 1.2, build.leg * 0.9], lower)
    sketch.limb([foot, (foot[0] + build.leg * 0.7, 0.015)], [build.leg * 0.9, build.leg * 0.6], lower)
    swing = reach * math.sin(turn + 2.2)
    foot = (hind[0] - 0.03 + swing, 0.02)
    hock = (hind[0] - 0.09 + 0.6 * swing, 0.44 * hind[1])
    stifle = (hind[0] + 0.05 + 0.3 * swing, 0.74 * hind[1])
    sketch.limb([hind, stifle, hock], [build.thigh * 1.3, build.thigh * 0.8, build.leg * 1.25], upper)
    sketch.limb([hock, foot], [build.leg * 1.2, build.leg * 0.9], lower)
    sketch.limb([foot, (foot[0] + build.leg * 0.8, 0.015)], [build.leg * 0.9, build.leg * 0.6], lower)


def _neck_and_head(sketch: Sketch, build: Build, pose: Pose, tail_root: Point, tail_tip: Point) -> Anchors:
    neck_length, neck_width, neck_angle = build.neck
    head_length, head_width, snout_width, head_angle = build.head
    shoulder = (-0.02, 1 - 0.42 * build.chest)
    angle = neck_angle + pose.lift
    poll = polar(shoulder, neck_length + 0.12, angle)
    sketch.limb(
        [shoulder, between(shoulder, poll, 0.55), poll],
        [build.chest * 0.82, (build.chest * 0.6 + neck_width) / 2, neck_width],
        build.coat,
    )
    tilt = head_angle + 0.35 * pose.lift
    snout = polar(poll, head_length, tilt)
    _ear(sketch, build, poll, tilt, near=False)
    cheek = between(poll, snout, 0.35)
    sketch.limb([poll, cheek], [head_width * 0.95, head_width], build.coat)
    sketch.limb([cheek, snout], [head_width * 0.86, snout_width], build.face)
    sketch.ellipse(polar(snout, snout_width * 0.25, tilt), (snout_width * 0.32, snout_width * 0.32), (24, 20, 20))
    eye = polar(between(poll, snout, 0.4), head_width * 0.24, tilt + 90)
    sketch.ellipse(eye, (0.022, 0.022), (12, 10, 10), glow=255)
    _ear(sketch, build, poll, tilt, near=True)
    middle = (-build.length * 0.5, (1 + build.rump) / 2 + 0.4 * build.hump)
    return Anchors(
        poll,
        snout,
        (-0.08, 1 + build.hump),
        middle,
        (-build.length * 0.97, build.rump - 0.2),
        tail_root,
        tail_tip,
        tilt,
    )


def _ear(sketch: Sketch, build: Build, poll: Point, tilt: float, *, near: bool) -> None:
    kind, size = build.ear
    colour = tinted(build.coat, 0.9 if near else 0.7)
    root = polar(poll, build.head[1] * 0.4, tilt + (115 if near else 85))
    lean = tilt + (118 if near else 84)
    if kind == "round":
        sketch.ellipse(polar(root, size * 0.3, lean), (size * 0.62, size * 0.62), colour)
    elif kind == "leaf":
        sketch.limb(
            [root, polar(root, size * 0.6, lean + 14), polar(root, size * 1.15, lean + 18)],
            [size * 0.3, size * 0.55, size * 0.1],
            colour,
        )
    else:
        tip = polar(root, size, lean)
        sketch.polygon([polar(root, size * 0.42, lean - 90), tip, polar(root, size * 0.42, lean + 90)], colour)
