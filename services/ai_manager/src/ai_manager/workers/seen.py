"""It lives: what a worker says of itself is noted, and its credential lasts on."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from ai_manager.access import queries as tokens
from ai_manager.workers import queries
from ai_manager.workers.errors import WorkerNotFound
from ai_manager.workers.models import Worker
from trapper_kit.db import Session
from trapper_schemas.v1.workers import Heartbeat

RENEW_AFTER = timedelta(days=1)


async def note_seen(
    db: Session, worker_id: UUID, beat: Heartbeat, *, now: datetime, credential_lifetime: timedelta
) -> Worker:
    """Note the moment, speed, load and models; push the credential's end out at most once a day."""
    changes: dict[str, Any] = {"load": beat.load}
    if beat.images_per_second:
        changes["images_per_second"] = beat.images_per_second
    if beat.models_on_disk is not None:
        changes["models_on_disk"] = list(beat.models_on_disk)
    worker = await queries.note_seen(db, worker_id, now, **changes)
    if worker is None:
        raise WorkerNotFound
    ends = now + credential_lifetime
    await tokens.extend(db, worker_id, ends, if_before=ends - RENEW_AFTER)
    return worker
