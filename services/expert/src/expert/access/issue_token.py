"""Make a token for scripts: shown once, kept as a hash."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from expert.access.models import AccessToken
from expert.access.state import EVERYTHING, Capability
from trapper_kit.db import Session
from trapper_kit.problems import Forbidden, Invalid
from trapper_kit.tokens import hash_token, new_token
from trapper_schemas.ids import uuid7

PREFIX = "trapper"
KNOWN_SCOPES = frozenset({EVERYTHING, *(capability.value for capability in Capability)})


async def issue_token(
    db: Session,
    *,
    user_id: UUID,
    name: str,
    scopes: Sequence[str],
    lasts: timedelta,
    now: datetime,
    within: frozenset[str] | None = None,
) -> tuple[AccessToken, str]:
    """The row and the secret itself; `within` are the scopes of the token that asks, which it cannot exceed."""
    unknown = sorted(set(scopes) - KNOWN_SCOPES)
    if unknown or not scopes:
        raise Invalid.field("scopes", f"unknown scope {', '.join(unknown) or '(none given)'}")
    if within is not None and EVERYTHING not in within and not set(scopes) <= within:
        raise Forbidden("a token cannot make one that may do more than itself")
    secret = new_token(PREFIX)
    row = AccessToken(
        id=uuid7(),
        user_id=user_id,
        name=name,
        scopes=sorted(set(scopes)),
        token_hash=hash_token(secret),
        expires_at=now + lasts,
    )
    db.add(row)
    await db.flush()
    return row, secret
