"""Turns a lit scene into what a trail camera stores: day or flash light, blur, noise, the info bar."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from render.noise import Field, fractal, grain

BAR_SHARE = 0.042


@dataclass(frozen=True)
class Light:
    """`night` means infrared flash; the rest are strengths."""

    night: bool
    exposure: float
    warmth: float
    haze: float
    dapple: float
    noise: float
    softness: float


def random_light(rng: np.random.Generator, *, night: bool, kind: str) -> Light:
    return Light(
        night=night,
        exposure=float(rng.uniform(0.75, 1.25)) if night else float(rng.uniform(0.7, 1.2)),
        warmth=float(rng.normal(0, 0.05)),
        haze=float(rng.uniform(0, 0.35)) if rng.random() < 0.4 else 0.05,
        dapple=float(rng.uniform(0.1, 0.45)) if kind == "forest" else float(rng.uniform(0, 0.15)),
        noise=float(rng.uniform(0.02, 0.05)) if night else float(rng.uniform(0.006, 0.025)),
        softness=float(rng.uniform(0.2, 1.1)),
    )


def expose(
    rng: np.random.Generator, colour: Field, nearness: Field, glow: Field, light: Light, *, shadow_seed: int
) -> Field:
    """The picture as the sensor sees it, 0..1; the pattern of shadows belongs to the place, not to the shot."""
    height, width = nearness.shape
    picture = (
        _flash(colour, nearness, glow, light)
        if light.night
        else _daylight(colour, nearness, light, shadow_seed=shadow_seed)
    )
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    picture = picture * (1 - (0.42 if light.night else 0.16) * (rows**2 + columns**2) / 2)[:, :, None]
    picture = _soften(picture, light.softness * height / 700)
    strength = light.noise * (0.4 + 0.6 * np.sqrt(np.clip(picture.mean(axis=2), 0, 1)))
    if light.night:
        picture = picture + (strength * grain(rng, width, height))[:, :, None]
    else:
        picture = picture + strength[:, :, None] * np.stack([grain(rng, width, height) for _ in range(3)], axis=2)
    return np.clip(picture, 0, 1).astype(np.float32)


def _daylight(colour: Field, nearness: Field, light: Light, *, shadow_seed: int) -> Field:
    height, width = nearness.shape
    spots = fractal(np.random.default_rng(shadow_seed), width, height, (7, 6), octaves=4)
    lit = colour * (light.exposure * (1 + light.dapple * np.clip(2.2 * spots, -1, 1)))[:, :, None]
    lit = lit * np.asarray((1 + light.warmth, 1.0, 1 - light.warmth), dtype=np.float32)
    veil = (light.haze * (1 - nearness) ** 3)[:, :, None]
    return lit * (1 - veil) + veil * np.asarray((0.78, 0.8, 0.82), dtype=np.float32)


def _flash(colour: Field, nearness: Field, glow: Field, light: Light) -> Field:
    """Infrared: leaves are bright, colour is gone, and light falls off with distance and from the middle."""
    height, width = nearness.shape
    grey = colour @ np.asarray((0.42, 0.5, 0.08), dtype=np.float32)
    rows = np.linspace(-0.6, 0.5, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    beam = np.exp(-0.75 * (columns**2 + rows**2))
    fall = 0.05 + 1.35 * np.clip(nearness, 0, 1) ** 0.62
    level = np.clip(light.exposure * 1.15 * np.power(grey + 0.02, 0.85) * beam * np.minimum(fall, 1.05), 0, 1.2)
    level = np.maximum(level, glow * (0.75 + 0.25 * beam)) + 0.025
    return np.repeat(level[:, :, None], 3, axis=2).astype(np.float32)


def _soften(picture: Field, radius: float) -> Field:
    if radius < 0.25:
        return picture
    image = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255


def stamp_bar(picture: Image.Image, texts: tuple[str, str, str], moon: float) -> None:
    """The black strip that cameras print under the picture: name, temperature, time, phase of the moon."""
    width, height = picture.size
    bar = round(height * BAR_SHARE)
    brush = ImageDraw.Draw(picture)
    brush.rectangle((0, height - bar, width, height), fill=(8, 8, 8))
    font = ImageFont.load_default(size=bar * 0.62)
    name, temperature, when = texts
    line = height - bar + bar * 0.14
    brush.text((width * 0.015, line), name, fill=(236, 236, 236), font=font)
    brush.text((width * 0.34, line), temperature, fill=(236, 236, 236), font=font)
    brush.text((width * 0.985 - brush.textlength(when, font=font), line), when, fill=(236, 236, 236), font=font)
    radius, x, y = bar * 0.32, width * 0.48, height - bar / 2
    brush.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(236, 236, 236))
    shift = radius * 2 * moon
    brush.ellipse((x - radius + shift, y - radius, x + radius + shift, y + radius), fill=(8, 8, 8))
