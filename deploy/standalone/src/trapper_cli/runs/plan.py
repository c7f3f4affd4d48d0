"""Decides which deployment each photo belongs to, from the folder that it lies in."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import PurePath
from typing import Any

from trapper_cli.runs.names import as_text, byte_order, portable
from trapper_cli.runs.read_photos import PhotoContent
from trapper_cli.runs.scan import PhotoFile
from trapper_client.output import say, table
from trapper_kit.pictures.read_time import TimeSource

_NUMBER = "[1-9][0-9]{2}"


@dataclass(frozen=True)
class DeploymentRule:
    """How folders become deployments: one `name` for all, the folder at a `level` (1 is the first), or each leaf."""

    name: str | None = None
    level: int | None = None


@dataclass(frozen=True)
class PlannedDeployment:
    """One deployment with its folders; `key` is its folder below the run's folder, `taken_at` are the photos' times.

    `time_sources` counts where the times were read.
    """

    key: str
    name: str
    folders: tuple[str, ...]
    photos: int
    taken_at: tuple[datetime, ...]
    time_sources: Mapping[str, int]

    @property
    def without_time(self) -> int:
        return self.photos - len(self.taken_at)

    def document(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "deployment": self.name,
            "folders": [folder or "." for folder in self.folders],
            "photos": self.photos,
            "first": _iso(min(self.taken_at, default=None)),
            "last": _iso(max(self.taken_at, default=None)),
            "without_time": self.without_time,
            "time_sources": dict(self.time_sources),
        }


def plan_deployments(
    root: str, photos: Iterable[PhotoFile], contents: Mapping[str, PhotoContent], rule: DeploymentRule
) -> list[PlannedDeployment]:
    """The deployments of a folder (`root` is its portable path), in byte order of their folders."""
    grouped: dict[str, list[PhotoFile]] = {}
    for photo in photos:
        grouped.setdefault(deployment_key(photo.folder, rule), []).append(photo)
    return [_planned(root, key, grouped[key], contents, rule) for key in sorted(grouped, key=byte_order)]


def deployment_key(folder: str, rule: DeploymentRule) -> str:
    """The folder whose deployment a photo in `folder` belongs to; empty for the run's folder itself."""
    if rule.name is not None:
        return ""
    parts = folder.split("/") if folder else []
    if rule.level is not None:
        return "/".join(parts[: rule.level])
    return "/".join(_without_overflow(parts))


def show_plan(planned: Sequence[PlannedDeployment]) -> None:
    """The plan as a table for people."""
    table(
        ("Deployment", "Folders", "Photos", "First", "Last", "Times from", "Without a time"),
        (
            (
                as_text(each.name),
                ", ".join(as_text(folder or ".") for folder in each.folders),
                each.photos,
                _shown(min(each.taken_at, default=None)),
                _shown(max(each.taken_at, default=None)),
                shown_sources(each.time_sources),
                each.without_time or None,
            )
            for each in planned
        ),
        empty="There are no photos.",
    )
    say()


def count_sources(sources: Iterable[str | None]) -> dict[str, int]:
    """How many times each source gave, in the order in which sources are looked at; `none` is left out."""
    counts = Counter(sources)
    return {source.value: counts[source] for source in TimeSource if counts[source] and source is not TimeSource.NONE}


def shown_sources(time_sources: Mapping[str, int]) -> str:
    """The counts for people: `exif 40, filename 2`."""
    return ", ".join(f"{source} {count}" for source, count in time_sources.items())


def is_overflow_folder(name: str) -> bool:
    """Whether a camera makes folders of this name by itself (`overflow_folders.txt`)."""
    return _overflow_pattern().fullmatch(name) is not None


def _planned(
    root: str, key: str, photos: Sequence[PhotoFile], contents: Mapping[str, PhotoContent], rule: DeploymentRule
) -> PlannedDeployment:
    read = [contents[photo.relative] for photo in photos if photo.relative in contents]
    return PlannedDeployment(
        key=key,
        name=portable(rule.name) if rule.name is not None else key or _root_name(root),
        folders=tuple(sorted({photo.folder for photo in photos}, key=byte_order)),
        photos=len(photos),
        taken_at=tuple(each.taken_at for each in read if each.taken_at is not None),
        time_sources=count_sources(each.time_source for each in read),
    )


def _root_name(root: str) -> str:
    parts = PurePath(root).parts
    return (_without_overflow(parts[1:]) or ["root"])[-1]


def _without_overflow(parts: Sequence[str]) -> list[str]:
    kept = list(parts)
    while kept and is_overflow_folder(kept[-1]):
        kept.pop()
    return kept


@cache
def _overflow_pattern() -> re.Pattern[str]:
    text = resources.files(__package__ or "").joinpath("overflow_folders.txt").read_text("utf-8")
    lines = [line.strip() for line in text.splitlines()]
    patterns = [line.replace("###", _NUMBER) for line in lines if line and not line.startswith("# ")]
    return re.compile("|".join(patterns), re.IGNORECASE)


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _shown(time: datetime | None) -> str | None:
    return None if time is None else f"{time:%Y-%m-%d %H:%M:%S}"
