"""Tokens: found by hash, extended, ended."""

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, or_, select, update

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


async def extend(db: Session, worker_id: UUID, until: datetime, *, if_before: datetime) -> None:
    """Push out the end of a worker's credential, when it is nearer than `if_before`."""
    await db.execute(
        update(Token)
        .where(Token.worker_id == worker_id, Token.revoked_at.is_(None), Token.expires_at < if_before)
        .values(expires_at=until)
    )


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
