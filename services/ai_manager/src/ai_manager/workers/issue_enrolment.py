"""Makes an enrolment token, returns its secret once and stores its HMAC."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from ai_manager.workers.models import EnrolmentToken
from trapper_kit.db import Session
from trapper_kit.tokens import new_token
from trapper_schemas.ids import uuid7


def issue_enrolment(
    db: Session,
    *,
    runtimes: Sequence[str],
    uses: int,
    lifetime: timedelta,
    project: str,
    now: datetime,
    hash_token: Callable[[str], str],
    offline: bool = False,
) -> str:
    """Returns a token for up to `uses` workers; `offline` ones may lease batches for days."""
    token = new_token("tme")
    db.add(
        EnrolmentToken(
            id=uuid7(),
            token_hash=hash_token(token),
            runtimes=list(runtimes),
            project=project,
            offline=offline,
            uses_left=uses,
            created_at=now,
            expires_at=now + lifetime,
        )
    )
    return token
