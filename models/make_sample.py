"""Renders the sample photos of `make run`: three cameras, bursts of three, day and night, with their truth."""

import argparse
import io
import json
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image
from render.places import Place, build_place
from render.scenes import Actor, Truth, random_actor, render_photo

SIZE = (1280, 960)
FIRST_SEED = 4_000_000
SHOTS = 3
QUALITY, LOWEST_QUALITY, LARGEST = 82, 62, 104_000
HERE = Path(__file__).parent
_EXIF_IFD = 0x8769


@dataclass(frozen=True)
class Trigger:
    """One release of a camera: when, and who walked through; nobody when it was the wind."""

    when: str
    night: bool
    category: str | None = None
    species: str | None = None
    count: int = 1


@dataclass(frozen=True)
class Deployment:
    """One camera in one place, with all that released it."""

    folder: str
    kind: str
    seed: int
    camera: str
    triggers: tuple[Trigger, ...]


def animal(when: str, species: str, *, night: bool, count: int = 1) -> Trigger:
    return Trigger(when, night, "animal", species, count)


DEPLOYMENTS = (
    Deployment("forest-edge", "forest", FIRST_SEED + 1, "FOREST EDGE", (
        animal("2025-09-03 06:42:18", "red deer", night=False),
        Trigger("2025-09-04 13:05:31", night=False),
        animal("2025-09-05 23:17:48", "wild boar", night=True, count=2),
        animal("2025-09-08 02:31:05", "eurasian badger", night=True),
        Trigger("2025-09-09 10:22:54", night=False, category="human"),
        animal("2025-09-11 07:55:19", "brown bear", night=False),
        Trigger("2025-09-12 01:40:37", night=True),
        animal("2025-09-14 21:48:02", "grey wolf", night=True),
    )),
    Deployment("meadow", "meadow", FIRST_SEED + 21, "MEADOW", (
        animal("2025-09-03 19:12:44", "roe deer", night=False, count=2),
        animal("2025-09-05 05:33:27", "european hare", night=False),
        Trigger("2025-09-06 15:48:09", night=False),
        animal("2025-09-07 22:26:13", "red fox", night=True),
        Trigger("2025-09-09 14:37:50", night=False, category="vehicle"),
        animal("2025-09-11 00:08:36", "roe deer", night=True),
        Trigger("2025-09-13 03:19:21", night=True),
        Trigger("2025-09-13 11:02:47", night=False),
    )),
    Deployment("river-track", "track", FIRST_SEED + 3, "RIVER TRACK", (
        Trigger("2025-09-04 08:14:03", night=False, category="human", count=2),
        animal("2025-09-05 06:51:46", "red fox", night=False),
        Trigger("2025-09-06 12:29:58", night=False),
        Trigger("2025-09-08 17:03:22", night=False, category="vehicle"),
        animal("2025-09-10 04:44:15", "european hare", night=True),
        animal("2025-09-12 09:36:40", "grey wolf", night=False),
        Trigger("2025-09-14 23:52:29", night=True, category="human"),
        Trigger("2025-09-15 02:10:33", night=True),
    )),
)  # fmt: skip


def cast_of(trigger: Trigger, place: Place, seed: int) -> list[Actor]:
    """Who is there in the first shot: they enter on one side and face the other."""
    if trigger.category is None:
        return []
    rng = np.random.default_rng([seed, 83])
    flipped = bool(rng.random() < 0.5)
    actors: list[Actor] = []
    for index in range(trigger.count):
        actor = random_actor(rng, place, trigger.category, trigger.species)
        across = 0.3 + 0.3 * index + float(rng.uniform(-0.04, 0.04))
        actors.append(
            replace(
                actor, across=1 - across if flipped else across, flipped=flipped, blur=0.004 if trigger.night else 0.0
            )
        )
    return actors


def moved(actor: Actor, shot: int) -> Actor:
    """Where the same walker is a second later."""
    way = {"human": 0.1, "vehicle": 0.16}.get(actor.category, 0.08) * shot
    return replace(actor, across=actor.across + (-way if actor.flipped else way), step=1.1 * shot)


def exif_of(deployment: Deployment, when: datetime) -> Image.Exif:
    exif = Image.Exif()
    stamp = when.strftime("%Y:%m:%d %H:%M:%S")
    exif[0x010F], exif[0x0110], exif[0x0131] = "TRAPPER", "DEMO-CAM 1", "models/make_sample.py"
    exif[0x0112], exif[0x0132], exif[0x010E] = 1, stamp, f"rendered demo photo, {deployment.folder}"
    inner = exif.get_ifd(_EXIF_IFD)
    inner[0x9003] = inner[0x9004] = stamp
    inner[0x9011] = "+02:00"
    return exif


def encode(image: Image.Image, exif: Image.Exif) -> bytes:
    """As good as fits the allowance of one photo."""
    data = b""
    for quality in range(QUALITY, LOWEST_QUALITY - 1, -2):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True, exif=exif)
        data = buffer.getvalue()
        if len(data) <= LARGEST:
            break
    return data


def truth_of(boxes: list[Truth]) -> list[dict[str, object]]:
    return [
        {
            "category": box.category,
            "species": box.species,
            "x": round(box.x, 5),
            "y": round(box.y, 5),
            "width": round(box.width, 5),
            "height": round(box.height, 5),
        }
        for box in boxes
    ]


def shoot(deployment: Deployment, out: Path) -> list[dict[str, object]]:
    folder = out / deployment.folder
    folder.mkdir(parents=True, exist_ok=True)
    place, records = build_place(deployment.seed, deployment.kind, *SIZE), []
    for number, trigger in enumerate(deployment.triggers):
        seed = zlib.crc32(f"{deployment.folder} {trigger.when}".encode())
        cast, start = cast_of(trigger, place, seed), datetime.fromisoformat(trigger.when)
        temperature = f"{round(9 + 9 * np.sin((start.hour - 8) / 24 * 2 * np.pi))}C"
        for shot in range(SHOTS):
            when = start + timedelta(seconds=shot)
            image, boxes = render_photo(
                place,
                [moved(actor, shot) for actor in cast],
                seed + shot,
                night=trigger.night,
                texts=(deployment.camera, temperature, when.strftime("%Y-%m-%d %H:%M:%S")),
                light_seed=seed,
                shadow_seed=deployment.seed,
                moon=(start.day % 15) / 15,
            )
            name = f"IMG_{number * SHOTS + shot + 1:04d}.JPG"
            (folder / name).write_bytes(encode(image, exif_of(deployment, when)))
            records.append(
                {
                    "file": f"{deployment.folder}/{name}",
                    "deployment": deployment.folder,
                    "burst": number + 1,
                    "taken_at": when.isoformat(),
                    "night": trigger.night,
                    "boxes": truth_of(boxes),
                }
            )
    return records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "sample")
    parser.add_argument("--truth", type=Path, default=HERE / "sample.json")
    options = parser.parse_args()
    records = [record for deployment in DEPLOYMENTS for record in shoot(deployment, options.out)]
    options.truth.write_text(json.dumps({"photos": records}, indent=1) + "\n")
    size = sum(file.stat().st_size for file in options.out.rglob("*.JPG"))
    print(f"{len(records)} photos, {size / 1e6:.1f} MB, {sum(not record['boxes'] for record in records)} empty")


if __name__ == "__main__":
    main()
