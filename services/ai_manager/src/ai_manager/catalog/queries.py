"""Statements of the catalogue."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, or_, select, tuple_, update

from ai_manager.catalog.models import Model
from trapper_kit.db import Session
from trapper_kit.paging import has_part
from trapper_schemas.v1.models import ModelRef, ModelState, Origin

Key = tuple[str, str, str]
"""Name, version and sha256 of the weights, which is empty where an unpinned entry is asked for."""


def key_of(ref: ModelRef) -> Key:
    """Returns the key of a version: name, version and sha256."""
    return ref.name, ref.version, ref.sha256 or ""


async def list_models(db: Session, *, name: str | None, retired: bool) -> Sequence[Model]:
    """Returns all entries by name; a catalogue has some hundred at most."""
    statement = select(Model).order_by(Model.name, Model.version)
    if name is not None:
        statement = statement.where(has_part(Model.name, name))
    if not retired:
        statement = statement.where(Model.state != ModelState.RETIRED)
    return (await db.scalars(statement)).all()


async def by_sha256(db: Session, sha256: str) -> Model | None:
    """Returns a version with these weights, preferably one that is not retired."""
    statement = select(Model).where(Model.sha256 == sha256).order_by(Model.state == ModelState.RETIRED, Model.id)
    return (await db.scalars(statement.limit(1))).one_or_none()


async def by_name(db: Session, name: str, version: str, *, lock: bool = False) -> Model | None:
    """Returns the version of this name that is not retired."""
    statement = select(Model).where(Model.name == name, Model.version == version, Model.state != ModelState.RETIRED)
    if lock:
        statement = statement.with_for_update()
    return (await db.scalars(statement)).one_or_none()


async def kinds_of(db: Session, name: str) -> Sequence[str]:
    """Returns the kinds of all versions ever published under this name, whatever its case."""
    statement = select(Model.entry["kind"].as_string()).where(func.lower(Model.name) == name.lower()).distinct()
    return (await db.scalars(statement)).all()


async def last_retired(db: Session, name: str, version: str) -> Model | None:
    """Returns the version of this name that an operator retired last."""
    statement = (
        select(Model)
        .where(
            Model.name == name,
            Model.version == version,
            Model.state == ModelState.RETIRED,
            Model.origin == Origin.OPERATOR,
        )
        .order_by(Model.id.desc())
        .limit(1)
        .with_for_update()
    )
    return (await db.scalars(statement)).one_or_none()


async def with_proof(db: Session, sha256: str, *, name: str | None, version: str | None) -> Model | None:
    """Returns a version with these weights that has a golden run, preferably one that is not retired."""
    statement = select(Model).where(Model.sha256 == sha256).order_by(Model.state == ModelState.RETIRED, Model.id)
    if name is not None:
        statement = statement.where(Model.name == name)
    if version is not None:
        statement = statement.where(Model.version == version)
    return next((model for model in await db.scalars(statement) if model.proof is not None), None)


async def by_refs(db: Session, refs: Iterable[ModelRef]) -> dict[Key, Model]:
    """Returns versions by name, version and weights; a retired one only where there is no other.

    A reference without a hash means the entry whatever its weights are: it may have been pinned since.
    """
    keys = {key_of(ref) for ref in refs}
    open_keys = {(name, version) for name, version, sha256 in keys if not sha256}
    models = await db.scalars(
        select(Model)
        .where(
            or_(
                tuple_(Model.name, Model.version, Model.sha256).in_(keys),
                tuple_(Model.name, Model.version).in_(open_keys),
            )
        )
        .order_by(Model.state != ModelState.RETIRED, Model.id)
    )
    by_key: dict[Key, Model] = {}
    for model in models:
        by_key[model.name, model.version, model.sha256 or ""] = model
        if (model.name, model.version) in open_keys:
            by_key[model.name, model.version, ""] = model
    return by_key


async def lock_all(db: Session) -> Sequence[Model]:
    """Locks and returns every entry, for a sync."""
    return (await db.scalars(select(Model).order_by(Model.id).with_for_update())).all()


async def held_bytes(db: Session, sha256: str) -> int | None:
    """Returns the size of these weights when the Manager has them already under another name."""
    return await db.scalar(select(func.max(Model.held_bytes)).where(Model.sha256 == sha256))


async def note_held(db: Session, sha256: str, size_bytes: int) -> bool:
    """Marks the weights as held, which publishes drafts; returns False when there is no such entry."""
    held = (
        await db.scalars(update(Model).where(Model.sha256 == sha256).values(held_bytes=size_bytes).returning(Model.id))
    ).all()
    await db.execute(
        update(Model)
        .where(Model.id.in_(held), Model.state == ModelState.DRAFT)
        .values(state=ModelState.PUBLISHED)
        .execution_options(synchronize_session="fetch")
    )
    return bool(held)


async def held_hashes(db: Session) -> Sequence[str]:
    """Returns the hashes of the weights that the Manager holds."""
    hashes = await db.scalars(select(Model.sha256).where(Model.held_bytes.is_not(None)).distinct())
    return [sha256 for sha256 in hashes if sha256 is not None]
