"""Brings the weights of a catalogue entry here: asks its addresses who answers, shows how far the download is."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from trapper_client.download import Downloaded, OnProgress, download, probe
from trapper_client.errors import Unreachable
from trapper_client.output import tell
from trapper_schemas.v1.models import ModelEntry

LARGEST_BYTES = 2**31 - 1
"""What an ONNX file can have."""


@dataclass(frozen=True)
class Origin:
    """An address that answers, and how large it says the file is."""

    url: str
    size_bytes: int | None


def addresses(entry: ModelEntry) -> list[str]:
    """Where the weights can be fetched."""
    return [source.url for source in entry.sources if source.url is not None]


def find_origin(entry: ModelEntry) -> Origin:
    """The first address that answers; raises Unreachable with what the last one said."""
    silent = Unreachable(f"The catalogue has no address for {entry.name}.")
    for url in addresses(entry):
        try:
            return Origin(url, probe(url) or entry.size_bytes)
        except Unreachable as problem:
            there = f"Or get {addresses(entry)[0]} elsewhere, then: trapper models install {entry.name} --file FILE"
            silent = Unreachable(problem.message, hint=there)
    raise silent


def fetch_weights(entry: ModelEntry, origin: Origin, folder: Path) -> Downloaded:
    """The weights, in a file named after their hash; a pinned entry takes only those that have its hash."""
    at_most = min(entry.size_bytes or origin.size_bytes or LARGEST_BYTES, LARGEST_BYTES)
    with _showing(entry.name, origin.size_bytes) as show:
        return download(origin.url, folder, at_most=at_most, sha256=entry.sha256, on_progress=show)


def megabytes(size: int | None) -> str:
    """A size as people say it."""
    return "of unknown size" if size is None else f"{size / 1e6:.1f} MB"


@contextmanager
def _showing(name: str, total: int | None) -> Generator[OnProgress | None]:
    if not sys.stderr.isatty():
        tell(f"Downloading {name}, {megabytes(total)}.")
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(f"Downloading {name}", total=total)
        yield lambda done, total: bar.update(task, completed=done, total=total)
