"""Makes a token, returns its secret once and stores its HMAC."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from ai_manager.access.models import Token
from ai_manager.access.state import Scope
from trapper_kit.db import Session
from trapper_kit.tokens import new_token
from trapper_schemas.ids import uuid7


def issue_token(
    db: Session,
    *,
    name: str,
    scopes: Sequence[Scope],
    now: datetime,
    hash_token: Callable[[str], str],
    worker_id: UUID | None = None,
    expires_at: datetime | None = None,
    known: str | None = None,
) -> str:
    """Returns a new token; `known` makes a token valid here that exists elsewhere already.

    Tokens of one name are one caller, so that a token can be replaced without losing its jobs.
    """
    token = known or new_token("tmw" if worker_id else "tms")
    db.add(
        Token(
            id=uuid7(),
            name=name,
            token_hash=hash_token(token),
            scopes=[scope.value for scope in scopes],
            worker_id=worker_id,
            created_at=now,
            expires_at=expires_at,
            revoked_at=None,
        )
    )
    return token
