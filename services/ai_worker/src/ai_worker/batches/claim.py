"""Asks the Manager for work that fits, while there is room for it."""

import asyncio
import logging
import shutil
import time
from contextlib import suppress
from typing import Literal

from prometheus_client import Counter

from ai_worker.base import DiskFull, writing
from ai_worker.batches import queries
from ai_worker.batches.hand import Hand, Journey, needed
from ai_worker.batches.models import Run
from ai_worker.batches.prepare import begin_preparing
from ai_worker.batches.release import end_run
from ai_worker.devices.start_devices import model_memory
from ai_worker.manager_client import is_stranger, status_of
from ai_worker.results import queries as results
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.batches import BatchLease, ClaimReply, ClaimRequest, Release

CLAIMS = Counter("trapper_claims_total", "Claims, by how they ended", ["outcome"])
_AT_ONCE = 0.5
"""An empty answer that came sooner than this part of the wait is followed by a pause."""
_AT_MOST = 64
"""So many batches one claim may ask for."""
_IN_HAND = 250
"""So many at most: a heartbeat has room for 256 leases."""
_NOT_HEARD = 500
"""From this status on, an answer does not say that nothing was done."""


async def claim_batches(work: Hand) -> bool:
    """Wait on the other side for batches; True when it makes sense to ask again at once."""
    async with work.claiming:
        room = await _room(work)
        if not room:
            return False
        if work.claims_unsure or work.unnamed:
            work.wakeups.wake("heartbeats.beat")  # which names all leases, and lets us go on
            return False
        journey = work.journey
        ask = _ask(work, room, offline := _offline_seconds(work))
        sent = work.monotonic()
        reply = await _answered(work, ask)
        if reply is None:
            return False
        work.rhythm.told = reply.intervals
        for lease in reply.batches:
            await _take_or_return(work, lease, sent=sent, offline=offline is not None)
        if journey is not None and not journey.over:
            _count(journey, len(reply.batches))
        work.claims_unsure = False
    work.wakeups.wake("batches.run")
    return bool(reply.batches) or work.monotonic() - sent >= _AT_ONCE * ask.wait_seconds


def _ask(work: Hand, room: int, offline_seconds: float | None) -> ClaimRequest:
    return ClaimRequest(
        runtime=work.runtime,
        limit=min(room, _AT_MOST),
        wait_seconds=work.rhythm.poll,
        loaded=work.devices.loaded[:64],
        on_disk=work.store.on_disk()[:1000],
        allow_unpinned=work.settings.allow_unpinned,
        memory_bytes=model_memory(work.settings, work.chosen),
        offline_seconds=offline_seconds,
    )


def _offline_seconds(work: Hand) -> float | None:
    """How long the leases shall last without a link."""
    if work.journey is not None and not work.journey.over:
        return work.journey.seconds
    return work.settings.offline_hours * 3600 or None


def _count(journey: Journey, taken: int) -> None:
    journey.taken += taken
    journey.left -= taken
    if journey.left <= 0:
        journey.over = "everything that was asked for is taken"
    elif not taken:
        journey.over = "no more batches wait at the Manager"


async def _answered(work: Hand, ask: ClaimRequest) -> ClaimReply | None:
    """The reply, unless there is none; `claims_unsure` stays when one may have been on its way."""
    work.claims_unsure = True
    try:
        reply = await _while_open(work, ask)
    except Problem as problem:
        work.claims_unsure = status_of(problem) >= _NOT_HEARD
        CLAIMS.labels("refused" if is_stranger(problem) else "unanswered").inc()
        if is_stranger(problem):
            work.switches.revoked = True  # until a heartbeat says otherwise
            log("claims.refused", level=logging.ERROR, problem=str(problem))
        else:
            work.heard(problem)
        return None
    if reply is not None:
        CLAIMS.labels("batches" if reply.batches else "empty").inc()
        work.heard(None)
    return reply


async def _while_open(work: Hand, ask: ClaimRequest) -> ClaimReply | None:
    """Hang up as soon as nothing shall be claimed any more: the Manager gives a caller that is gone nothing."""
    asking = asyncio.create_task(work.manager.claim(ask))
    closing = asyncio.create_task(_until_otherwise(work, work.journey))
    try:
        await asyncio.wait({asking, closing}, return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
        CLAIMS.labels("hung_up").inc()
        log("claims.ended", reason=work.switches.closed(work.monotonic()) or "a journey begins")
        work.wakeups.wake("heartbeats.beat")
        return None
    finally:
        asking.cancel()
        closing.cancel()
        await asyncio.gather(asking, closing, return_exceptions=True)


async def _until_otherwise(work: Hand, journey: Journey | None) -> None:
    """Wait until there is a reason to claim nothing, or something else."""
    while work.switches.closed(work.monotonic()) is None and work.journey is journey:
        work.switches.changed.clear()
        await work.switches.changed.wait()


async def _room(work: Hand) -> int:
    """How many batches fit; none while a switch is off, the disk is full or the spool is."""
    if work.switches.closed(work.monotonic()) is not None:
        return 0
    if shutil.disk_usage(work.settings.state_dir).free < work.settings.min_free_bytes:
        _hold(work, "disk full")
        return 0
    async with work.db() as db:
        runs, along = await queries.count_unfinished(db), await queries.count_taken_along(db)
        _, spooled = await results.waiting_bytes(db)
    if spooled > work.settings.spool_limit_bytes:
        _hold(work, "spool full")
        return 0
    if sum(work.booked.values()) >= work.settings.cache_limit_bytes:
        if work.journey is not None:
            work.journey.over = work.journey.over or "the cache is full (AI_WORKER_CACHE_LIMIT_BYTES)"
        return 0
    if work.journey is not None and not work.journey.over:
        return max(0, min(work.journey.left, _IN_HAND - runs))
    if work.settings.offline_hours:
        most = work.settings.offline_batches
    else:  # whoever leaves with what was taken along takes no batch with them whose lease needs a link
        most = 0 if along else work.settings.slots * len(work.devices.each)
    return max(0, most - runs)


def _hold(work: Hand, reason: str) -> None:
    log("claims.held", level=logging.WARNING, reason=reason)
    work.switches.hold(reason, until=work.monotonic() + work.settings.intervals.refused)


async def _take_or_return(work: Hand, lease: BatchLease, *, sent: float, offline: bool) -> None:
    """Take a batch, or give it back at once: claiming was closed meanwhile, or nothing can be written."""
    if work.switches.closed(work.monotonic()) is not None:
        await _return(work, lease, "draining", "")
        return
    try:
        await _take(work, lease, sent=sent, offline=offline)
    except DiskFull as problem:
        _hold(work, "disk full")
        await _return(work, lease, "disk_full", str(problem))


async def _return(work: Hand, lease: BatchLease, reason: Literal["draining", "disk_full"], message: str) -> None:
    log("batch.returned", batch=str(lease.batch_id), attempt=lease.attempt, reason=reason)
    with suppress(Problem):  # unheard, the next complete heartbeat does not name it
        await work.manager.release(lease.batch_id, Release(token=lease.token, reason=reason, message=message))


async def _write_down(work: Hand, run: Run) -> None:
    async with work.db() as db:
        db.add(run)


async def _take(work: Hand, lease: BatchLease, *, sent: float, offline: bool) -> None:
    """Write the lease down before anything is done for it."""
    run = Run(
        id=uuid7(),
        batch_id=lease.batch_id,
        job_id=lease.job_id,
        attempt=lease.attempt,
        total=len(lease.resources),
        lease=lease.model_dump(mode="json"),
        offline_until=time.time() + lease.expires_in_seconds if offline else None,
    )
    async with work.db() as db:
        if await queries.find(db, lease.batch_id, lease.attempt) is not None:
            return
        earlier = await queries.earlier(db, lease.batch_id)
    for one in earlier:
        await end_run(work, one.id, "lost")
    with writing("rows"):
        await _write_down(work, run)
    work.count_down(run.id, lease.expires_in_seconds, sent=sent)
    work.in_use[run.id] = needed(lease)
    log("batch.leased", batch=str(lease.batch_id), attempt=lease.attempt, resources=run.total)
    begin_preparing(work, run.id, lease)
