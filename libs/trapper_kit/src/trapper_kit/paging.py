"""Keyset paging: an opaque cursor with the last row's sort key and the fingerprint of the filter inside."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, tuple_

from trapper_kit.idempotency import fingerprint
from trapper_kit.problems import Malformed

MAX_LIMIT = 200
Row = TypeVar("Row")


@dataclass(frozen=True)
class PageRequest:
    """The cursor and the limit of a page."""

    limit: int
    cursor: str | None
    filter_print: str

    @classmethod
    def of(cls, limit: int, cursor: str | None, filters: dict[str, Any]) -> "PageRequest":
        """Returns the request; a cursor of other filters is refused."""
        return cls(limit, cursor, fingerprint(filters)[:16])

    def after(self) -> list[Any] | None:
        """Returns the sort key of the previous page's last row, or None for the first page."""
        if self.cursor is None:
            return None
        try:
            document = json.loads(base64.urlsafe_b64decode(self.cursor.encode() + b"=="))
            keys, filter_print = document["k"], document["f"]
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as problem:
            raise Malformed("the cursor is not from this list") from problem
        if filter_print != self.filter_print or not isinstance(keys, list):
            raise Malformed("the cursor belongs to another filter; begin again without it")
        return keys

    def values(self, parse: Sequence[Callable[[Any], Any]]) -> list[Any] | None:
        """Returns the sort key, each part parsed; raises Malformed for another type or number of parts."""
        after = self.after()
        if after is None:
            return None
        try:
            return [reader(value) for reader, value in zip(parse, after, strict=True)]
        except (ValueError, TypeError, AttributeError, OverflowError) as problem:
            raise Malformed("the cursor is not from this list") from problem

    def next(self, keys: Sequence[Any]) -> str:
        """Returns the cursor after a row with this sort key."""
        plain = [
            key.isoformat() if isinstance(key, datetime) else str(key) if isinstance(key, UUID) else key for key in keys
        ]
        document = json.dumps({"k": plain, "f": self.filter_print}, separators=(",", ":"))
        return base64.urlsafe_b64encode(document.encode()).rstrip(b"=").decode()


def page_of(
    statement: Select[Any],
    columns: Sequence[SQLColumnExpression[Any]],
    page_request: PageRequest,
    parse: Sequence[Callable[[Any], Any]],
    *,
    newest_first: bool = False,
    ids: Sequence[UUID] | None = None,
) -> Select[Any]:
    """Returns the statement for the page and the row after it, in the order of the columns; the last column is the id.

    With `ids`, only rows with one of them.
    """
    if ids:
        statement = statement.where(columns[-1].in_(ids))
    values = page_request.values(parse)
    if values is not None:
        here, there = tuple_(*columns), tuple_(*values)
        statement = statement.where(here < there if newest_first else here > there)
    order = [column.desc() for column in columns] if newest_first else columns
    return statement.order_by(*order).limit(page_request.limit + 1)


def has_part(column: SQLColumnExpression[str], text: str) -> ColumnElement[bool]:
    """Returns whether a column contains a text, ignoring letter case: the filter `name` of every list."""
    return column.icontains(text, autoescape=True)


def split(
    rows: Sequence[Row], page_request: PageRequest, keys: Callable[[Row], Sequence[Any]]
) -> tuple[list[Row], str | None]:
    """Returns the page and its next cursor from the rows of `page_of`."""
    items = list(rows[: page_request.limit])
    more = len(rows) > page_request.limit
    return items, page_request.next(keys(items[-1])) if more else None
