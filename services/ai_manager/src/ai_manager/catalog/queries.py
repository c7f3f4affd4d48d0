"""The catalogue's statements."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select, update

from ai_manager.catalog.models import Model
from ai_manager.catalog.state import ModelState
from trapper_kit.db import Session


async def list_models(db: Session, *, name: str | None, retired: bool) -> Sequence[Model]:
    """All entries, by name; a catalogue has some hundred at most."""
    statement = select(Model).order_by(Model.name, Model.version)
    if name is not None:
        statement = statement.where(Model.name == name)
    if not retired:
        statement = statement.where(Model.state != ModelState.RETIRED)
    return (await db.scalars(statement)).all()


async def by_sha256(db: Session, sha256: str) -> Model | None:
    """The version with these weights."""
    return (await db.scalars(select(Model).where(Model.sha256 == sha256))).one_or_none()


async def by_name(db: Session, name: str, version: str) -> Model | None:
    """The version of this name that is not retired."""
    statement = select(Model).where(Model.name == name, Model.version == version, Model.state != ModelState.RETIRED)
    return (await db.scalars(statement)).one_or_none()


async def by_sha256s(db: Session, sha256s: Iterable[str]) -> dict[str, Model]:
    """Several versions by their weights."""
    found = await db.scalars(select(Model).where(Model.sha256.in_(set(sha256s))))
    return {model.sha256: model for model in found if model.sha256 is not None}


async def lock_all(db: Session) -> Sequence[Model]:
    """Every entry, locked, for a sync."""
    return (await db.scalars(select(Model).order_by(Model.id).with_for_update())).all()


async def note_held(db: Session, sha256: str, size_bytes: int) -> bool:
    """The weights are here: a draft becomes published. False when there is no such entry."""
    found = await db.scalars(update(Model).where(Model.sha256 == sha256).values(held_bytes=size_bytes).returning(Model))
    model = found.one_or_none()
    if model is not None and model.state is ModelState.DRAFT:
        await db.execute(update(Model).where(Model.id == model.id).values(state=ModelState.PUBLISHED))
    return model is not None
