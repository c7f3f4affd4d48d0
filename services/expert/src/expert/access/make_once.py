"""Makes a row once per idempotency key, and turns broken constraints into problems."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel

from expert.access import queries
from expert.access.state import Caller
from expert.base import Base
from trapper_kit.db import IntegrityError, Session
from trapper_kit.idempotency import check_same, fingerprint
from trapper_kit.problems import Problem

Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class IdempotentRequest:
    """A request that makes a row: caller, key and hash of the content."""

    caller_id: UUID
    key: str
    request_print: str

    @classmethod
    def of(cls, caller: Caller, key: str, body: BaseModel) -> "IdempotentRequest":
        """Returns the request from a route's parameters."""
        return cls(caller.id, key, fingerprint(body))


def broken_constraint(problem: IntegrityError) -> str:
    """Returns the name of the constraint or unique index."""
    return str(getattr(getattr(problem.orig, "__cause__", None), "constraint_name", "") or "")


async def keep(db: Session, row: Base, *, taken: Mapping[str, Problem]) -> None:
    """Inserts a row; a broken constraint that `taken` names raises its problem."""
    try:
        async with db.begin_nested():
            db.add(row)
            await db.flush()
    except IntegrityError as problem:
        refusal = taken.get(broken_constraint(problem))
        if refusal is None:
            raise
        raise refusal from problem


async def make_once(
    db: Session, row: Row, request: IdempotentRequest, *, taken: Mapping[str, Problem]
) -> tuple[Row, bool]:
    """Returns the row and True, or the row that the same request made before and False."""
    earlier = await queries.made_before(db, type(row), request.caller_id, request.key)
    if earlier is not None:
        return _same(earlier, request), False
    made: Any = row
    made.created_by, made.idempotency_key, made.request_print = request.caller_id, request.key, request.request_print
    twin = f"{row.__tablename__}_created_by_idempotency_key_key"
    try:
        await keep(db, row, taken=taken)
    except IntegrityError as problem:
        if broken_constraint(problem) != twin:
            raise
    except Problem:
        # The twin of this very request may have taken the name a moment ago: then it is the answer, not a conflict.
        earlier = await queries.made_before(db, type(row), request.caller_id, request.key)
        if earlier is None:
            raise
        return _same(earlier, request), False
    else:
        return row, True
    earlier = await queries.made_before(db, type(row), request.caller_id, request.key)
    if earlier is None:
        raise AssertionError("a constraint was broken by a row that is not there")
    return _same(earlier, request), False


def _same(row: Row, request: IdempotentRequest) -> Row:
    made: Any = row
    check_same(made.request_print, request.request_print)
    return row
