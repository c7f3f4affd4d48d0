"""Selects rows that people list, read and change; features say what is visible."""

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, select

from expert.base import Base
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, has_part, page_of

Row = TypeVar("Row", bound=Base)
Visible = ColumnElement[bool]
"""The condition on rows that a caller may see; a feature's `visible_to` makes it."""


async def list_rows(
    db: Session, kind: type[Row], visible: Visible, page_request: PageRequest, **equal: object
) -> Sequence[Row]:
    """A page of the visible rows, oldest first.

    A filter of None does not count, a list of values means any of them, `name` is a part of the name.
    """
    rows: Any = kind
    statement = select(kind).where(visible)
    for name, value in equal.items():
        column = getattr(rows, name)
        if isinstance(value, list):
            statement = statement.where(column.in_(value))
        elif name == "name" and isinstance(value, str):
            statement = statement.where(has_part(column, value))
        elif value is not None:
            statement = statement.where(column == value)
    return (await db.scalars(page_of(statement, [rows.id], page_request, [UUID]))).all()


async def read_row(db: Session, kind: type[Row], visible: Visible, row_id: UUID, *, lock: bool = False) -> Row | None:
    """Returns the row when it is visible; with `lock` until the end of the transaction."""
    rows: Any = kind
    statement = select(kind).where(rows.id == row_id, visible)
    if lock:
        statement = statement.with_for_update(of=kind).execution_options(populate_existing=True)
    return await db.scalar(statement)
