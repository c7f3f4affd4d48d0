"""Takes a heartbeat: notes the worker, renews its leases and reports cancellations in one reply."""

from datetime import timedelta
from uuid import UUID

from ai_manager.access.state import WorkerCaller
from ai_manager.batches.announce import notify_workers
from ai_manager.batches.renew import renew_leases
from ai_manager.batches.take_back import take_back_unlisted
from ai_manager.catalog.propose_pin import propose_pins
from ai_manager.deps import Work
from ai_manager.workers.note_seen import note_seen
from ai_manager.workers.renew_credential import renew_credential
from trapper_schemas.v1.workers import Heartbeat, HeartbeatReply, RenewedLease


async def take_heartbeat(work: Work, beat: Heartbeat, *, caller: WorkerCaller) -> HeartbeatReply:
    """Returns the reply to a heartbeat: leases, intervals and orders."""
    now = work.clock.now()
    held = [(lease_held.batch_id, lease_held.token) for lease_held in beat.leases]
    if beat.complete:
        await _take_back(work, caller.worker_id, beat.number, held)
    async with work.db() as db:
        worker = await note_seen(db, caller.worker_id, beat)
        renewed_credential = await renew_credential(
            db,
            caller,
            name=worker.name,
            now=now,
            lifetime=timedelta(days=work.settings.credential_days),
            renew_below=work.settings.credential_renew_below,
            hash_token=work.hash_token,
        )
        lease = min(timedelta(seconds=work.intervals.lease), caller.expires_at - now)
        renewed = await renew_leases(db, worker.id, held, lease=lease)
        await propose_pins(db, beat.pins, worker_id=worker.id, worker_name=worker.name, now=now)
    credential, expires_at = renewed_credential or (None, None)
    return HeartbeatReply(
        leases=[
            RenewedLease(batch_id=batch_id, expires_in_seconds=left.total_seconds())
            for batch_id, left in renewed.renewed.items()
        ],
        lost=renewed.lost,
        cancelled=renewed.cancelled,
        paused=worker.paused,
        drain=worker.drain,
        intervals=work.worker_intervals,
        newest_number=worker.heartbeat_number,
        credential=credential,
        credential_expires_at=expires_at,
    )


async def _take_back(work: Work, worker_id: UUID, number: int, held: list[tuple[UUID, str]]) -> None:
    """Takes leases back in a transaction of its own, because it locks terms before batches."""
    async with work.db() as db:
        runtimes = await take_back_unlisted(
            db, worker_id, held, number=number, losses_allowed=work.settings.losses_allowed
        )
    notify_workers(work, runtimes)
