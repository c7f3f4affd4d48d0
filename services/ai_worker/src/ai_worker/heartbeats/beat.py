"""Sends the heartbeat: renews leases, drops runs that are lost or cancelled, takes orders and a new credential."""

import asyncio
import logging
import os
from datetime import datetime

from prometheus_client import Counter

from ai_worker.batches import queries
from ai_worker.batches.release import end_run
from ai_worker.batches.worker import Worker
from ai_worker.enrolment.credential import replace_credential
from ai_worker.heartbeats.measure import measure
from ai_worker.leases.events import EndRun, HeartbeatAnswered, HeartbeatDue, HeartbeatFailed, SendHeartbeat
from ai_worker.manager_client import is_stranger
from ai_worker.results import queries as results
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.workers import DeviceLoad, Heartbeat, HeartbeatReply, HeldLease

_PINS_PROPOSED = 64
"""Pins that one heartbeat proposes at most."""
BEATS = Counter("trapper_heartbeats_total", "Heartbeats, by how the Manager answered", ["outcome"])


async def beat(work: Worker) -> None:
    """Send one heartbeat; when the Manager does not answer, the state of the worker stays as it is."""
    async with work.db() as db:
        states = await queries.counts(db)
        waiting = await results.waiting_bytes(db)
    devices = await measure(work, states, waiting)
    for action in work.handle(HeartbeatDue()):
        if isinstance(action, SendHeartbeat):
            await _send(work, action, devices)


async def _send(work: Worker, beat: SendHeartbeat, devices: tuple[DeviceLoad, ...]) -> None:
    sent = work.monotonic()
    failed = HeartbeatFailed(beat.number)
    try:
        reply = await work.manager.heartbeat(work.worker_id, _heartbeat(work, beat, devices))
    except Problem as problem:
        failed = _failed(work, beat, problem)
        return
    else:
        BEATS.labels("answered").inc()
        work.note_manager(None)
        await _obey(work, beat, reply, sent=sent)
    finally:  # ignored after an answer
        work.handle(failed)


def _failed(work: Worker, beat: SendHeartbeat, problem: Problem) -> HeartbeatFailed:
    unauthorized = is_stranger(problem)
    BEATS.labels("refused" if unauthorized else "unanswered").inc()
    if not unauthorized:
        work.note_manager(problem)
    elif not work.state.revoked:
        log("worker.refused", level=logging.ERROR, problem=str(problem))
    return HeartbeatFailed(beat.number, unauthorized=unauthorized)


def _heartbeat(work: Worker, beat: SendHeartbeat, devices: tuple[DeviceLoad, ...]) -> Heartbeat:
    return Heartbeat(
        number=beat.number,
        leases=tuple(
            HeldLease(batch_id=lease.batch_id, token=lease.token, done=work.runs.done(lease.run_id), total=lease.total)
            for lease in beat.leases
        ),
        complete=beat.complete,
        images_per_second=dict(work.speeds.batches),
        load=round(os.getloadavg()[0], 2),
        devices=devices,
        models_on_disk=work.store.on_disk()[:1000],
        pins=tuple(work.store.proposed.values())[:_PINS_PROPOSED],
    )


async def _obey(work: Worker, beat: SendHeartbeat, reply: HeartbeatReply, *, sent: float) -> None:
    if reply.credential is not None:
        await _take_credential(work, reply.credential, reply.credential_expires_at)
    work.rhythm.manager = reply.intervals
    answered = HeartbeatAnswered(
        now=work.monotonic(),
        number=beat.number,
        newest=reply.newest_number,
        sent=sent,
        renewed={renewed.batch_id: renewed.expires_in_seconds for renewed in reply.leases},
        lost=tuple(reply.lost),
        cancelled=tuple(reply.cancelled),
        paused=reply.paused,
        drain=reply.drain,
    )
    for action in work.handle(answered):
        if isinstance(action, EndRun):
            log("batch.dropped", run=str(action.run_id), reason=action.reason)
            await end_run(work, action.run_id, action.reason)


async def _take_credential(work: Worker, secret: str, expires_at: datetime | None) -> None:
    """Write the new credential, then use it; the old one is valid for a day more, so a crash in between is harmless.

    When it cannot be written, the old one stays in use, and the Manager offers another one with the next heartbeat.
    """
    try:
        await asyncio.to_thread(replace_credential, work.settings, secret, expires_at)
    except (OSError, Problem) as problem:
        log("credential.unwritten", level=logging.ERROR, problem=str(problem))
        return
    work.manager.http.use_token(secret)
    log("credential.replaced", expires_at=None if expires_at is None else expires_at.isoformat())
