"""Publishes an entry; a version of a name is immutable, and the same weights may have several names."""

from datetime import datetime

from ai_manager.catalog import queries
from ai_manager.catalog.errors import ModelImmutable
from ai_manager.catalog.models import Model
from trapper_kit.db import IntegrityError, Session
from trapper_kit.logs import log
from trapper_kit.problems import Invalid
from trapper_schemas.ids import uuid7
from trapper_schemas.model_names import why_reserved
from trapper_schemas.v1.models import GoldenRun, ModelEntry, ModelKind, ModelState, Origin

_NUL = "\\u0000"
"""As JSON writes it; no database stores one."""
_NAMED = frozenset({ModelKind.DETECTION, ModelKind.CLASSIFICATION})


async def publish_model(
    db: Session, entry: ModelEntry, *, proof: GoldenRun | None = None, now: datetime
) -> tuple[Model, bool]:
    """Returns the entry's row and whether it is new; publishing the same entry again changes nothing."""
    if entry.sha256 is None:
        raise Invalid.field("entry.sha256", "The entry has no sha256. Give the sha256 of the weights.", "missing")
    if entry.spec is None:
        raise Invalid.field("entry.spec", "The entry has no spec. Give spec: how the model is run.", "missing")
    if entry.kind in _NAMED and not entry.spec.labels:
        raise Invalid.field(
            "entry.spec.labels", "The model has no labels. Give spec.labels, one per class in class order.", "missing"
        )
    if _NUL in entry.model_dump_json() or (proof is not None and _NUL in proof.model_dump_json()):
        raise Invalid.field("entry", "A text contains a NUL character. Remove it.")
    model, new = await _publish(db, entry, now=now)
    if proof is not None and model.proof is None:
        model.proof = proof.model_dump(mode="json")  # the first one stays: others are compared with it
        await db.flush()
    return model, new


async def _publish(db: Session, entry: ModelEntry, *, now: datetime) -> tuple[Model, bool]:
    present = await queries.by_name(db, entry.name, entry.version, lock=True)
    if present is None:
        return await _add(db, entry, now=now), True
    if ModelEntry.model_validate(present.entry) == entry:
        return present, False
    if present.sha256 is None:
        return await _pin(db, present, entry), False
    raise ModelImmutable(
        f"{present.name} {present.version} exists already with other content; publish another version",
        name=present.name,
        version=present.version,
        sha256=present.sha256,
    )


async def _check_name(db: Session, entry: ModelEntry) -> None:
    """Refuses a name that commands reserve, or that a model of another kind has."""
    if why := why_reserved(entry.name):
        raise Invalid.field("entry.name", why)
    taken_by = next((kind for kind in await queries.kinds_of(db, entry.name) if kind != entry.kind.value), None)
    if taken_by is not None:
        message = f"{entry.name!r} is the name of a {taken_by} model; choose another name"
        raise Invalid.field("entry.name", message)


async def _add(db: Session, entry: ModelEntry, *, now: datetime) -> Model:
    await _check_name(db, entry)
    held_bytes = await queries.held_bytes(db, entry.sha256) if entry.sha256 is not None else None
    model = Model(
        id=uuid7(),
        name=entry.name,
        version=entry.version,
        sha256=entry.sha256,
        entry=entry.model_dump(mode="json"),
        state=ModelState.PUBLISHED if entry.sources or held_bytes is not None else ModelState.DRAFT,
        origin=Origin.OPERATOR,
        held_bytes=held_bytes,
        created_at=now,
    )
    db.add(model)
    try:
        await db.flush()
    except IntegrityError as problem:
        raise ModelImmutable(
            f"{entry.name} {entry.version} was published by another caller at the same moment"
        ) from problem
    log("model.published", name=entry.name, version=entry.version, sha256=entry.sha256)
    return model


async def _pin(db: Session, model: Model, entry: ModelEntry) -> Model:
    """Pins an entry of the manifest for an operator, who owns it from now on."""
    model.sha256 = entry.sha256
    model.entry = entry.model_dump(mode="json")
    model.origin = Origin.OPERATOR
    model.held_bytes = await queries.held_bytes(db, entry.sha256) if entry.sha256 is not None else None
    await db.flush()
    log("model.pinned", name=model.name, version=model.version, sha256=model.sha256)
    return model
