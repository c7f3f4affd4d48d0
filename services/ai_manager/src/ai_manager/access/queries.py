"""Statements about tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, select, update

from ai_manager.access.models import Token
from ai_manager.direct import Direct
from trapper_kit.db import Session


@dataclass(frozen=True)
class Active:
    """A token that is valid now."""

    name: str
    scopes: Sequence[str]
    worker_id: UUID | None
    created_at: datetime
    expires_at: datetime | None


_ACTIVE = """
select asked.place, tokens.name, tokens.scopes, tokens.worker_id, tokens.created_at, tokens.expires_at
from unnest($1::text[], $2::timestamptz[]) with ordinality as asked (token_hash, moment, place)
join tokens on tokens.token_hash = asked.token_hash
where tokens.revoked_at is null and (tokens.expires_at is null or tokens.expires_at > asked.moment)
"""


async def active_tokens(direct: Direct, lookups: Sequence[tuple[str, datetime]]) -> list[Active | None]:
    """Returns the valid token of each hash, or None; one statement serves all calls of the same moment."""
    hashes, moments = zip(*lookups, strict=True)
    rows = await direct.fetch(_ACTIVE, list(hashes), list(moments))
    by_place = {row["place"]: Active(*row[1:]) for row in rows}
    return [by_place.get(place) for place in range(1, len(lookups) + 1)]


async def retire_older(db: Session, worker_id: UUID, issued_before: datetime, *, ends: datetime) -> None:
    """Lets the older credentials of a worker end soon, because a newer one is in use."""
    await db.execute(
        update(Token)
        .where(
            Token.worker_id == worker_id,
            Token.revoked_at.is_(None),
            Token.created_at < issued_before,
            Token.expires_at > ends,
        )
        .values(expires_at=ends)
    )


async def last_issued(db: Session, worker_id: UUID) -> datetime | None:
    """Returns when the worker was given its newest credential."""
    statement = select(func.max(Token.created_at)).where(Token.worker_id == worker_id, Token.revoked_at.is_(None))
    return (await db.scalars(statement)).one()


async def drop_newer(db: Session, worker_id: UUID, issued_after: datetime) -> None:
    """Deletes credentials that were issued but never used, because their reply was lost."""
    await db.execute(delete(Token).where(Token.worker_id == worker_id, Token.created_at > issued_after))


async def revoke_by_worker(db: Session, worker_id: UUID, now: datetime) -> None:
    """Ends every credential of a worker."""
    await db.execute(
        update(Token).where(Token.worker_id == worker_id, Token.revoked_at.is_(None)).values(revoked_at=now)
    )


async def revoke_by_name(db: Session, name: str, now: datetime) -> int:
    """Ends every token of this name and returns their number."""
    statement = (
        update(Token)
        .where(Token.name == name, Token.worker_id.is_(None), Token.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return cast("CursorResult[Any]", await db.execute(statement)).rowcount
