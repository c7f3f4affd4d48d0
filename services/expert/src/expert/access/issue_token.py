"""Makes a token for scripts, returns its secret once and stores its hash."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from expert.access import queries
from expert.access.models import AccessToken
from expert.access.state import EVERYTHING, Capability
from expert.audit.note import note
from trapper_kit.db import Session
from trapper_kit.problems import Forbidden, Invalid, Unauthenticated
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
    parent_id: UUID | None = None,
) -> tuple[AccessToken, str]:
    """Returns the row and the secret; a parent token (`parent_id`) bounds scopes and expiry."""
    unknown = sorted(set(scopes) - KNOWN_SCOPES)
    if unknown or not scopes:
        raise Invalid.field("scopes", f"unknown scope {', '.join(unknown) or '(none given)'}")
    expires_at = now + lasts
    if parent_id is not None:
        parent = await queries.lock_token(db, parent_id)
        if parent is None:
            raise Unauthenticated("this token is unknown, expired or revoked")
        if EVERYTHING not in parent.scopes and not set(scopes) <= set(parent.scopes):
            raise Forbidden("a token cannot create a token with more scopes than its own")
        expires_at = min(expires_at, parent.expires_at)
    secret = new_token(PREFIX)
    row = AccessToken(
        id=uuid7(),
        user_id=user_id,
        parent_id=parent_id,
        name=name,
        scopes=sorted(set(scopes)),
        token_hash=hash_token(secret),
        expires_at=expires_at,
    )
    db.add(row)
    note(db, "token-made", actor_id=user_id, subject_kind="token", subject_id=row.id, scopes=row.scopes)
    await db.flush()
    return row, secret
