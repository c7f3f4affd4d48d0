"""Fetches the weights of a stage; for an unpinned entry it also proposes their hash."""

import asyncio
import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

from ai_worker.base import writing
from ai_worker.deps import WorkerWork
from ai_worker.model_store.fetch import (
    WeightsMissing,
    copy_seeded,
    fetch_weights,
    from_sources,
    mirrored,
    patiently,
    settle,
    sha256_of,
    usable,
)
from ai_worker.model_store.weights_store import WeightsStore
from trapper_kit.http_client import HttpClient
from trapper_kit.logs import log
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.models import ModelEntry
from trapper_schemas.v1.resources import SHA256
from trapper_schemas.v1.workers import PinProposal


def _nobody(_sha256: str) -> None:
    """Ignores the hash."""


async def fetch_for_stage(
    work: WorkerWork,
    store: WeightsStore,
    http: HttpClient,
    spec: StageSpec,
    *,
    known: Callable[[str], None] = _nobody,
) -> tuple[StageSpec, Path]:
    """Returns the stage with the hash of its weights, and their file; `known` is called with the hash early."""
    model, entry = spec.stage.model, spec.model
    sha256 = model.sha256 or entry.sha256
    if sha256 is not None:
        store.proposed.pop(model.key, None)  # an operator confirmed one meanwhile
        path = await fetch_weights(work, store, http, entry, sha256)
    else:
        path, sha256 = await fetch_unpinned(work, store, http, entry, known=known)
        size = path.stat().st_size
        store.proposed[model.key] = PinProposal(name=entry.name, version=entry.version, sha256=sha256, size_bytes=size)
    pinned = spec.stage.model_copy(update={"model": model.model_copy(update={"sha256": sha256})})
    return spec.model_copy(update={"stage": pinned}), path


async def fetch_unpinned(
    work: WorkerWork,
    store: WeightsStore,
    http: HttpClient,
    entry: ModelEntry,
    *,
    known: Callable[[str], None] = _nobody,
) -> tuple[Path, str]:
    """Returns the file and its hash; the same file is used until the entry names other sources."""
    key = _key(entry)
    note = store.folder / f".{key}.unpinned"

    def use(sha256: str) -> None:
        known(sha256)
        store.use(sha256)

    async with store.locked(key):
        sha256 = _noted(note)
        if sha256 is not None:
            use(sha256)
        if sha256 is None or not await usable(store, store.path(sha256, entry.format), sha256):
            sha256 = await _bring(work, store, http, entry, note, use=use)
        store.checked.add(sha256)
    path = store.path(sha256, entry.format)
    os.utime(path)
    return path, sha256


def _key(entry: ModelEntry) -> str:
    places = [text for source in entry.sources for text in (source.url, source.path, source.file_name) if text]
    return hashlib.sha256("\n".join([entry.name, entry.version, *places]).encode()).hexdigest()


def _noted(note: Path) -> str | None:
    text = note.read_text("ascii", "replace").strip() if note.exists() else ""
    return text if re.match(SHA256, text) else None


async def _bring(
    work: WorkerWork,
    store: WeightsStore,
    http: HttpClient,
    entry: ModelEntry,
    note: Path,
    *,
    use: Callable[[str], None],
) -> str:
    partial = note.with_suffix(".part")
    partial.unlink(missing_ok=True)  # what was begun is not continued: without a hash nobody would see a mixture
    if entry.size_bytes is not None:
        await asyncio.to_thread(store.make_room, entry.size_bytes, keep=set(store.used))
    if not await asyncio.to_thread(copy_seeded, work.settings.weights_dirs, entry, None, partial):
        await _download(work, http, entry, partial)
    sha256 = await asyncio.to_thread(sha256_of, partial)
    use(sha256)
    with writing("weights"):
        settle(partial, store.path(sha256, entry.format))
        _note(note, sha256)
    log("weights.unpinned", model=entry.name, version=entry.version, sha256=sha256)
    return sha256


def _note(note: Path, sha256: str) -> None:
    note.write_text(sha256, "ascii")


async def _download(work: WorkerWork, http: HttpClient, entry: ModelEntry, partial: Path) -> None:
    """Fetches from mirrors, then from sources; the Manager knows weights by hash only."""
    urls = mirrored(work.settings.weights_mirrors, entry, None)
    urls += [source.url for source in entry.sources if source.url]
    if not urls:
        raise WeightsMissing(f"there is neither a file nor an address of {entry.name} {entry.version}")
    await patiently(work, entry, lambda: from_sources(http, urls, entry, partial))
