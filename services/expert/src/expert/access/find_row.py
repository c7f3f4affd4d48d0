"""Finds a row for reading or changing; what a caller may not see is not found."""

from typing import Any, TypeVar
from uuid import UUID

from expert.access import queries
from expert.access.queries_rows import Visible, read_row
from expert.access.state import Caller, Capability, may_in_research_project
from expert.base import Base
from trapper_kit.db import Session
from trapper_kit.problems import Forbidden, NotFound

Row = TypeVar("Row", bound=Base)


async def find_row(
    db: Session, kind: type[Row], visible: Visible, row_id: UUID, *, noun: str, lock: bool = False
) -> Row:
    """Returns the visible row; raises NotFound, naming the kind of resource."""
    row = await read_row(db, kind, visible, row_id, lock=lock)
    if row is None:
        raise NotFound(f"there is no such {noun}, or none that you may see")
    return row


async def find_for_change(
    db: Session,
    caller: Caller,
    kind: type[Row],
    visible: Visible,
    row_id: UUID,
    *,
    noun: str,
    capability: Capability = Capability.DESCRIBE,
) -> Row:
    """Returns the visible row, locked; raises NotFound, and Forbidden for a row that may only be read.

    The row is a research project, or of one.
    """
    row: Any = await find_row(db, kind, visible, row_id, noun=noun, lock=True)
    role = await queries.research_role(db, caller.id, getattr(row, "research_project_id", row.id))
    if not may_in_research_project(role, capability):
        raise Forbidden(
            f"you may read this {noun}, not change it: that needs a role with the capability {capability.value} "
            "in its research project; ask its owner"
        )
    return row
