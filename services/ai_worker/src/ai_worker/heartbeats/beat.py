"""Says that we live, renews what we hold, and obeys: what is lost or cancelled is dropped at once."""

import asyncio
import logging
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from prometheus_client import Counter

from ai_worker.batches import queries
from ai_worker.batches.hand import Hand
from ai_worker.batches.models import Run
from ai_worker.batches.release import end_run
from ai_worker.batches.state import RunState
from ai_worker.enrolment.credential import replace_credential
from ai_worker.heartbeats.measure import measure
from ai_worker.manager_client import is_stranger
from ai_worker.results import queries as results
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.v1.workers import DeviceLoad, Heartbeat, HeartbeatReply, LeaseHeld

_PROPOSED = 64
"""Most pins that a heartbeat may propose."""
_NAMED = 256
"""So many leases fit into one heartbeat."""
BEATS = Counter("trapper_heartbeats_total", "Heartbeats, by how the Manager answered", ["outcome"])


async def beat(work: Hand) -> None:
    """One heartbeat; a Manager that does not answer costs nothing but the wait until it does.

    While no claim is under way it names all leases there are, so that the Manager takes back what we do not know of;
    and no claim begins before it is answered. One that falls into a claim is followed by such a one, before the next.
    """
    if work.claiming.locked():
        await _beat(work, alone=False)
        return
    async with work.claiming:
        answered = await _beat(work, alone=True)
    if answered:
        work.wakeups.wake("batches.claim")


async def _beat(work: Hand, *, alone: bool) -> bool:
    """Whether the Manager heard that these are all leases."""
    async with work.db() as db:
        runs = await queries.held(db)
        states = await queries.counts(db)
        waiting = await results.waiting_bytes(db)
    devices = await measure(work, states, waiting)
    newest = {run.batch_id: run for run in runs}  # of two attempts only the later one can still be ours
    sent = work.monotonic()
    pulse = _pulse(work, newest.values(), devices, alone=alone)
    try:
        reply = await work.manager.heartbeat(work.worker_id, pulse)
    except Problem as problem:
        BEATS.labels("refused" if is_stranger(problem) else "unanswered").inc()
        if not is_stranger(problem):
            work.heard(problem)
        elif not work.switches.revoked:
            log("worker.refused", level=logging.ERROR, problem=str(problem))
            work.switches.revoked = True
        return False
    BEATS.labels("answered").inc()
    work.heard(None)
    settled = pulse.complete and (work.claims_unsure or work.unnamed)
    if pulse.complete:
        work.claims_unsure = False
    work.unnamed = not pulse.complete and len(pulse.leases) < _NAMED
    await _obey(work, newest, reply, sent=sent)
    return settled


def _pulse(work: Hand, runs: Iterable[Run], devices: tuple[DeviceLoad, ...], *, alone: bool) -> Heartbeat:
    leases = tuple(
        LeaseHeld(
            batch_id=run.batch_id,
            token=str(run.lease["token"]),
            done=work.progress.get(run.id, 0),
            total=run.total,
        )
        for run in runs
        if run.lease is not None
    )
    return Heartbeat(
        leases=leases[:_NAMED],
        complete=alone and len(leases) <= _NAMED,
        images_per_second=dict(work.speeds),
        load=round(os.getloadavg()[0], 2),
        devices=devices,
        models_on_disk=work.store.on_disk()[:1000],
        pins=tuple(work.store.proposed.values())[:_PROPOSED],
    )


async def _obey(work: Hand, by_batch: Mapping[UUID, Run], reply: HeartbeatReply, *, sent: float) -> None:
    if reply.credential is not None:
        await _take_credential(work, reply.credential, reply.credential_expires_at)
    switches = work.switches
    switches.revoked = False
    # Who is told so while it works leaves when it is done; who starts under that order waits for it to be taken back.
    work.leaving = reply.drain and (work.leaving or work.undrained)
    work.undrained = not reply.drain
    switches.paused_there, switches.draining_there = reply.paused, reply.drain
    work.rhythm.told = reply.intervals
    for renewed in reply.leases:
        run = by_batch.get(renewed.batch_id)
        if run is not None and run.state is not RunState.KEPT:
            work.count_down(run.id, renewed.expires_in_seconds, sent=sent)
    for batch_id in reply.lost:
        await _drop(work, by_batch.get(batch_id), "lost")
    for batch_id in reply.cancelled:
        await _drop(work, by_batch.get(batch_id), "cancelled")
    work.wakeups.wake("batches.run")


async def _take_credential(work: Hand, secret: str, expires_at: datetime | None) -> None:
    """First the file, then the next request: the old one is good for a day more, so a crash in between costs nothing.

    When it cannot be written, the old one stays in use, and the Manager offers another one with the next heartbeat.
    """
    try:
        await asyncio.to_thread(replace_credential, work.settings, secret, expires_at)
    except (OSError, Problem) as problem:
        log("credential.unwritten", level=logging.ERROR, problem=str(problem))
        return
    work.manager.http.use_token(secret)
    log("credential.replaced", expires_at=None if expires_at is None else expires_at.isoformat())


async def _drop(work: Hand, run: Run | None, because: str) -> None:
    """Stop computing; what is kept already is for the delivery to settle, since the Manager may even have it."""
    if run is None or run.state is RunState.KEPT:
        return
    log("batch.dropped", batch=str(run.batch_id), attempt=run.attempt, because=because)
    if not await _kept_meanwhile(work, run.id):
        await end_run(work, run.id, because)


async def _kept_meanwhile(work: Hand, run_id: UUID) -> bool:
    async with work.db() as db:
        return not any(run.id == run_id for run in await queries.unfinished(db))
