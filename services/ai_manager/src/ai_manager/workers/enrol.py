"""Enrols a worker: an enrolment token becomes a credential with runtimes, project and end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ai_manager.access.issue_token import issue_token
from ai_manager.access.state import Scope
from ai_manager.workers import queries
from ai_manager.workers.errors import EnrolmentRefused, RuntimeNotAllowed
from ai_manager.workers.models import Worker
from trapper_kit.db import Session, db_clock
from trapper_kit.logs import log
from trapper_kit.text import clean, clean_json
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.workers import Enrolment


@dataclass(frozen=True)
class Enrolled:
    """The new worker, its credential, and when that ends."""

    worker: Worker
    credential: str
    expires_at: datetime


async def enrol_worker(
    db: Session,
    *,
    token_hash: str,
    who: Enrolment,
    now: datetime,
    credential_lifetime: timedelta,
    hash_token: Callable[[str], str],
) -> Enrolled:
    """Spends one use of the token; the worker may run the runtimes that both it and the token name."""
    token = await queries.use_enrolment(db, token_hash, now)
    if token is None:
        raise EnrolmentRefused("ask an operator for a new one: `trapper workers token`")
    runtimes = [runtime for runtime in who.runtimes if runtime in token.runtimes]
    if not runtimes:
        raise RuntimeNotAllowed(
            f"it is for {', '.join(token.runtimes)}; this machine has {', '.join(who.runtimes)}", allowed=token.runtimes
        )
    worker = Worker(
        id=uuid7(),
        name=who.name,
        version=clean(who.version),
        protocols=list(who.protocols),
        devices=clean_json([device.model_dump(mode="json") for device in who.devices]),
        runtimes=runtimes,
        models_on_disk=clean_json(who.models_on_disk),
        project=token.project,
        offline=token.offline,
        images_per_second={},
        load=None,
        device_load=[],
        paused=False,
        drain=False,
        enrolled_at=now,
        seen_at=db_clock(),
        revoked_at=None,
    )
    db.add(worker)
    expires_at = now + credential_lifetime
    credential = issue_token(
        db,
        name=who.name,
        scopes=[Scope.WORK],
        now=now,
        hash_token=hash_token,
        worker_id=worker.id,
        expires_at=expires_at,
    )
    await db.flush()
    log("worker.enrolled", worker_id=worker.id, name=who.name, runtimes=runtimes)
    return Enrolled(worker, credential, expires_at)
