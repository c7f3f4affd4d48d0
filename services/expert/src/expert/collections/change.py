"""Change a collection; an archived one takes no uploads, and no job takes resources because of it."""

from typing import Any

from expert.access.make_once import keep
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.collections.create import refusals
from expert.collections.models import Collection
from trapper_kit.db import Session, enqueue_after_commit


async def change_collection(db: Session, caller: Caller, row: Collection, fields: dict[str, Any]) -> None:
    """Raises CollectionNameTaken, and Forbidden for a visibility that the caller may not set."""
    if fields.get("visibility", row.visibility) is not row.visibility:
        await require(db, caller, Capability.PUBLISH, research_project=row.research_project_id)
    for name, value in fields.items():
        setattr(row, name, value)
    await keep(db, row, taken=refusals(row))
    enqueue_after_commit(db, "jobs.cover")
