"""Syncs the catalogue with the manifest of the wire package; safe at every start."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ai_manager.blob_store import checked, weights_key
from ai_manager.catalog import queries
from ai_manager.catalog.models import Model
from ai_manager.deps import Work
from trapper_kit.db import Session
from trapper_kit.logs import log
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import GoldenRun, ModelEntry, ModelState, Origin

_CHUNK_BYTES = 1024 * 1024


@dataclass
class Synced:
    """The result of a sync, by names."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    seeded: list[str] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)


async def sync_models_from_schemas(
    work: Work,
    entries: Sequence[ModelEntry],
    weights: Path | None,
    proofs: Mapping[tuple[str, str], GoldenRun] | None = None,
) -> Synced:
    """Adds, updates and retires entries of the manifest; entries of operators stay untouched."""
    synced = Synced()
    async with work.db() as db:
        await _sync_rows(db, entries, synced, now=work.clock.now())
        await _publish_proofs(db, proofs or {}, synced)
    if weights is not None:
        for entry in entries:
            await _seed(work, entry, weights, synced)
    log("models.synced", added=len(synced.added), changed=len(synced.changed), retired=len(synced.retired))
    return synced


async def _sync_rows(db: Session, entries: Sequence[ModelEntry], synced: Synced, *, now: datetime) -> None:
    present = await queries.lock_all(db)
    by_name = {(model.name, model.version): model for model in present if model.state is not ModelState.RETIRED}
    retired = {
        (model.name, model.version, model.sha256): model for model in present if model.state is ModelState.RETIRED
    }
    retired_by_operator = {(model.name, model.version) for model in retired.values() if model.origin is Origin.OPERATOR}
    new: list[ModelEntry] = []
    for entry in entries:
        key = (entry.name, entry.version)
        model = by_name.pop(key, None)
        if key in retired_by_operator if model is None else model.origin is Origin.OPERATOR:
            synced.kept.append(entry.name)
        elif model is not None and model.sha256 in {None, entry.sha256}:
            if _update(model, entry):
                synced.changed.append(entry.name)
        else:
            _retire(model, synced)
            await db.flush()  # before another row takes the name
            known = retired.get((entry.name, entry.version, entry.sha256))
            if known is None:
                new.append(entry)
            else:
                _update(known, entry)
                synced.changed.append(entry.name)
    for model in by_name.values():
        if model.origin is Origin.MANIFEST:
            _retire(model, synced)
    await db.flush()
    db.add_all(_row(entry, now) for entry in new)
    synced.added.extend(entry.name for entry in new)
    await db.flush()


async def _publish_proofs(db: Session, proofs: Mapping[tuple[str, str], GoldenRun], synced: Synced) -> None:
    """Stores the manifest's golden runs for entries that are still the manifest's."""
    for model in await queries.lock_all(db):
        proof = proofs.get((model.name, model.version))
        if proof is None or model.state is ModelState.RETIRED or model.origin is not Origin.MANIFEST:
            continue
        document = proof.model_dump(mode="json")
        if model.proof != document:
            model.proof = document
            synced.proved.append(model.name)
    await db.flush()


def _retire(model: Model | None, synced: Synced) -> None:
    """Retires an entry whose weights changed, because a version is immutable."""
    if model is not None:
        model.state = ModelState.RETIRED
        synced.retired.append(model.name)


def _row(entry: ModelEntry, now: datetime) -> Model:
    return Model(
        id=uuid7(),
        name=entry.name,
        version=entry.version,
        sha256=entry.sha256,
        entry=entry.model_dump(mode="json"),
        state=ModelState.PUBLISHED,
        origin=Origin.MANIFEST,
        held_bytes=None,
        created_at=now,
    )


def _update(model: Model, entry: ModelEntry) -> bool:
    document = entry.model_dump(mode="json")
    if model.entry == document and model.state is ModelState.PUBLISHED:
        return False
    model.name, model.version, model.sha256 = entry.name, entry.version, entry.sha256
    model.entry, model.state = document, ModelState.PUBLISHED
    return True


async def _seed(work: Work, entry: ModelEntry, folder: Path, synced: Synced) -> None:
    if entry.sha256 is None or await work.blobs.size(weights_key(entry.sha256)) is not None:
        path = None
    else:
        path = next(
            (folder / source.file_name for source in entry.sources if (folder / source.file_name).is_file()), None
        )
    if path is not None and _hash_file(path) != entry.sha256:
        log("weights.refused", name=entry.name, file=path.name, reason="another sha256 than the manifest's")
        path = None
    if path is not None:
        await work.blobs.put_stream(weights_key(entry.sha256 or ""), checked(_chunks(path), entry.sha256 or ""))
        synced.seeded.append(entry.name)
    if entry.sha256 is not None and (size := await work.blobs.size(weights_key(entry.sha256))) is not None:
        async with work.db() as db:
            await queries.note_held(db, entry.sha256, size)


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
