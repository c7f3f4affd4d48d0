"""Renews a worker's credential before it ends; a lost reply costs nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta

from ai_manager.access import queries as tokens
from ai_manager.access.issue_token import issue_token
from ai_manager.access.state import Scope, WorkerCaller, is_due
from trapper_kit.db import Session
from trapper_kit.logs import log

OVERLAP = timedelta(days=1)
"""How long the one before is good once a credential is in use."""
AGAIN_AFTER = timedelta(minutes=10)
"""Between two credentials for one worker: a repeated heartbeat brings no second one."""


async def renew_credential(
    db: Session,
    caller: WorkerCaller,
    *,
    name: str,
    now: datetime,
    lifetime: timedelta,
    renew_below: float,
    hash_token: Callable[[str], str],
) -> tuple[str, datetime] | None:
    """Returns the new credential with its end, when one is due.

    The old one keeps its own end until the new one is used; from then on it is good for a day. So a worker that never
    saw the reply goes on with what it has, and gets another with a later heartbeat.
    """
    await tokens.retire_older(db, caller.worker_id, caller.issued_at, ends=now + OVERLAP)
    if not is_due(now=now, expires_at=caller.expires_at, lifetime=lifetime, renew_below=renew_below):
        return None
    last = await tokens.last_issued(db, caller.worker_id)
    if last is not None and last != caller.issued_at and now - last < AGAIN_AFTER:
        return None
    if caller.expires_at - now > OVERLAP:  # not retired: whatever was issued since, nobody uses
        await tokens.drop_newer(db, caller.worker_id, caller.issued_at)
    expires_at = now + lifetime
    credential = issue_token(
        db,
        name=name,
        scopes=[Scope.WORK],
        now=now,
        hash_token=hash_token,
        worker_id=caller.worker_id,
        expires_at=expires_at,
    )
    log("worker.credential_renewed", worker_id=caller.worker_id, expires_at=expires_at)
    return credential, expires_at
