"""Change a collection; an archived one takes no uploads, and no job takes resources because of it."""

from typing import Any

from expert.access.make_once import keep
from expert.collections.create import refusals
from expert.collections.models import Collection
from trapper_kit.db import Session, enqueue_after_commit


async def change_collection(db: Session, row: Collection, fields: dict[str, Any]) -> None:
    """Raises CollectionNameTaken."""
    for name, value in fields.items():
        setattr(row, name, value)
    await keep(db, row, taken=refusals(row))
    enqueue_after_commit(db, "jobs.cover")
