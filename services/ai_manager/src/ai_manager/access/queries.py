"""Tokens: found by hash, extended, ended."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, func, or_, select, update

from ai_manager.access.models import Token
from trapper_kit.db import Session


async def active_token(db: Session, token_hash: str, now: datetime) -> Token | None:
    """The token with this hash, unless it ended."""
    return (
        await db.scalars(
            select(Token).where(
                Token.token_hash == token_hash,
                Token.revoked_at.is_(None),
                or_(Token.expires_at.is_(None), Token.expires_at > now),
            )
        )
    ).one_or_none()


async def retire_older(db: Session, worker_id: UUID, issued_before: datetime, *, ends: datetime) -> None:
    """A newer credential is in use: those before it end soon."""
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
    """When this worker was given its newest credential."""
    statement = select(func.max(Token.created_at)).where(Token.worker_id == worker_id, Token.revoked_at.is_(None))
    return (await db.scalars(statement)).one()


async def drop_newer(db: Session, worker_id: UUID, issued_after: datetime) -> None:
    """Forget credentials whose announcement was lost: nobody has them."""
    await db.execute(delete(Token).where(Token.worker_id == worker_id, Token.created_at > issued_after))


async def revoke_by_worker(db: Session, worker_id: UUID, now: datetime) -> None:
    """End every credential of a worker."""
    await db.execute(
        update(Token).where(Token.worker_id == worker_id, Token.revoked_at.is_(None)).values(revoked_at=now)
    )


async def revoke_by_name(db: Session, name: str, now: datetime) -> int:
    """End every token of this name; how many there were."""
    statement = (
        update(Token)
        .where(Token.name == name, Token.worker_id.is_(None), Token.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return cast("CursorResult[Any]", await db.execute(statement)).rowcount
