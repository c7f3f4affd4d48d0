"""A worker lives: noted, its leases renewed, and told what was cancelled, in one answer."""

from datetime import timedelta
from uuid import UUID

from ai_manager.batches.renew import renew_leases
from ai_manager.deps import Work
from ai_manager.workers.seen import note_seen
from trapper_kit.db import Session
from trapper_schemas.v1.workers import Heartbeat, HeartbeatReply, RenewedLease


async def take_heartbeat(
    work: Work, db: Session, worker_id: UUID, beat: Heartbeat, *, credential_left: timedelta
) -> HeartbeatReply:
    """What the Manager wants of this worker."""
    worker = await note_seen(
        db,
        worker_id,
        beat,
        now=work.clock.now(),
        credential_lifetime=timedelta(days=work.settings.credential_days),
    )
    lease = min(timedelta(seconds=work.intervals.lease), credential_left)
    held = [(lease_held.batch_id, lease_held.token) for lease_held in beat.leases]
    renewed = await renew_leases(db, worker_id, held, lease=lease)
    return HeartbeatReply(
        leases=[
            RenewedLease(batch_id=batch_id, expires_in_seconds=lease.total_seconds()) for batch_id in renewed.renewed
        ],
        lost=renewed.lost,
        cancelled=renewed.cancelled,
        paused=worker.paused,
        drain=worker.drain,
        intervals=work.told_intervals,
    )
