"""Create a collection of a research project."""

from typing import Any

from expert.access.make_once import IdempotentRequest, make_once
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.collections.errors import CollectionNameTaken
from expert.collections.models import Collection
from expert.resources.state import Visibility
from trapper_kit.db import Session
from trapper_kit.problems import Problem
from trapper_schemas.ids import uuid7


async def create_collection(
    db: Session, caller: Caller, request: IdempotentRequest, fields: dict[str, Any]
) -> tuple[Collection, bool]:
    """The collection, and whether it is new; raises NotFound, Forbidden, CollectionNameTaken."""
    await require(db, caller, Capability.DESCRIBE, research_project=fields["research_project_id"])
    if fields["visibility"] is not Visibility.PRIVATE:
        await require(db, caller, Capability.PUBLISH, research_project=fields["research_project_id"])
    row = Collection(id=uuid7(), **fields)
    return await make_once(db, row, request, taken=refusals(row))


def refusals(row: Collection) -> dict[str, Problem]:
    """The refusal for each constraint of the table that a request may break."""
    taken = CollectionNameTaken(f"there is already a collection {row.name!r} in this research project")
    return {"collections_research_project_id_name_key": taken}
