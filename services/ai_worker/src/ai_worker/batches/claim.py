"""Claims batches at the Manager while there is room for them."""

import asyncio
import logging
import shutil
import time
from contextlib import suppress
from typing import Literal, cast

from prometheus_client import Counter

from ai_worker.base import DiskFull, writing
from ai_worker.batches import queries
from ai_worker.batches.active_runs import weights_of
from ai_worker.batches.models import Run
from ai_worker.batches.prepare import begin_preparing
from ai_worker.batches.release import end_run
from ai_worker.batches.worker import Worker
from ai_worker.devices.start_devices import model_memory
from ai_worker.leases import events
from ai_worker.leases.runs import Lease
from ai_worker.manager_client import is_stranger, status_of
from ai_worker.results import queries as results
from trapper_kit.logs import log
from trapper_kit.problems import Problem
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.batches import BatchLease, BatchRelease, ClaimReply, ClaimRequest

CLAIMS = Counter("trapper_claims_total", "Claims, by how they ended", ["outcome"])
_AT_ONCE = 0.5
"""An empty reply that came sooner than this part of the wait is followed by a pause."""
_SERVER_ERROR = 500
"""From this status on, a refusal does not say that nothing was done."""


async def claim_batches(work: Worker) -> bool:
    """Claim once, if the worker state allows it; True when it makes sense to claim again at once."""
    if work.closed() is not None:
        return False
    for action in work.handle(await _measured(work)):
        if isinstance(action, events.SendClaim):
            try:
                return await _claim(work, action)
            finally:  # ignored unless the claim was interrupted
                work.handle(events.ClaimFailed(may_have_leased=True))
    return False


async def _measured(work: Worker) -> events.ClaimDue:
    """Returns what this machine has room for."""
    full = ""
    if shutil.disk_usage(work.settings.state_dir).free < work.settings.min_free_bytes:
        full = "disk full"
    else:
        async with work.db() as db:
            _, waiting = await results.waiting_bytes(db)
        full = "spool full" if waiting > work.settings.spool_limit_bytes else ""
    if full:
        log("claims.held", level=logging.WARNING, reason=full)
    return events.ClaimDue(
        now=work.monotonic(),
        slots=work.settings.slots * len(work.devices.children.each),
        full=full,
        cache_full=work.runs.media_bytes >= work.settings.cache_limit_bytes,
    )


async def _claim(work: Worker, claim: events.SendClaim) -> bool:
    request = _request(work, claim)
    sent = work.monotonic()
    reply = await _reply(work, request)
    if reply is None:
        return False
    work.rhythm.manager = reply.intervals
    await _take_over(work, reply, sent=sent, offline=claim.offline_seconds is not None)
    work.handle(events.ClaimFinished())
    return bool(reply.batches) or work.monotonic() - sent >= _AT_ONCE * request.wait_seconds


def _request(work: Worker, claim: events.SendClaim) -> ClaimRequest:
    return ClaimRequest(
        runtime=work.runtime,
        limit=claim.limit,
        wait_seconds=work.rhythm.poll,
        loaded=work.devices.children.loaded[:64],
        on_disk=work.store.on_disk()[:1000],
        allow_unpinned=work.settings.allow_unpinned,
        memory_bytes=model_memory(work.settings, work.devices.chosen),
        offline_seconds=claim.offline_seconds,
    )


async def _reply(work: Worker, request: ClaimRequest) -> ClaimReply | None:
    """Returns the Manager's reply; None when the claim was refused, got no reply, or was aborted."""
    try:
        reply = await _unless_aborted(work, request)
    except Problem as problem:
        unauthorized = is_stranger(problem)
        CLAIMS.labels("refused" if unauthorized else "unanswered").inc()
        work.handle(events.ClaimFailed(status_of(problem) >= _SERVER_ERROR, unauthorized=unauthorized))
        if unauthorized:
            log("claims.refused", level=logging.ERROR, problem=str(problem))
        else:
            work.note_manager(problem)
        return None
    if reply is not None:
        CLAIMS.labels("batches" if reply.batches else "empty").inc()
        work.note_manager(None)
    return reply


async def _unless_aborted(work: Worker, request: ClaimRequest) -> ClaimReply | None:
    """Close the connection as soon as the claim is aborted: the Manager leases nothing to a caller that is gone."""
    work.claim_aborted.clear()
    claim = asyncio.create_task(work.manager.claim(request))
    aborted = asyncio.create_task(work.claim_aborted.wait())
    try:
        await asyncio.wait({claim, aborted}, return_when=asyncio.FIRST_COMPLETED)
        if claim.done():
            return claim.result()
        CLAIMS.labels("aborted").inc()
        return None
    finally:
        claim.cancel()
        aborted.cancel()
        await asyncio.gather(claim, aborted, return_exceptions=True)


async def _take_over(work: Worker, reply: ClaimReply, *, sent: float, offline: bool) -> None:
    """Stores the leases of a reply, or returns them to the Manager."""
    batches = {(batch.batch_id, batch.attempt): batch for batch in reply.batches}
    leases = tuple(
        Lease(
            run_id=uuid7(),
            batch_id=batch.batch_id,
            attempt=batch.attempt,
            token=batch.token,
            total=len(batch.resources),
            deadline=sent + batch.expires_in_seconds,
            offline=offline,
        )
        for batch in reply.batches
    )
    for action in work.handle(events.ClaimAnswered(work.monotonic(), leases)):
        match action:
            case events.EndRun(run_id, reason):
                await end_run(work, run_id, reason)
            case events.TakeLease(lease):
                await _take(work, lease, batches[lease.batch_id, lease.attempt])
            case events.ReturnLease(lease, reason):
                await _return(work, lease, reason)
            case _:
                pass


async def _take(work: Worker, lease: Lease, batch: BatchLease) -> None:
    """Stores the lease before anything else; returns it to the Manager when the disk has no room."""
    run = Run(
        id=lease.run_id,
        batch_id=lease.batch_id,
        job_id=batch.job_id,
        attempt=lease.attempt,
        total=lease.total,
        lease=batch.model_dump(mode="json"),
        offline_until=time.time() + batch.expires_in_seconds if lease.offline else None,
    )
    try:
        with writing("rows"):
            if not await _write(work, run):
                return  # a Manager that was restored hands out an attempt again: the next complete heartbeat returns it
    except DiskFull as problem:
        for action in work.handle(events.LeaseNotWritten(work.monotonic(), lease, "disk_full")):
            if isinstance(action, events.ReturnLease):
                await _return(work, lease, action.reason, str(problem))
        return
    work.handle(events.LeaseTaken(lease))
    work.runs.get(lease.run_id).weights = weights_of(batch)
    log("batch.leased", batch=str(lease.batch_id), attempt=lease.attempt, resources=lease.total)
    begin_preparing(work, lease.run_id, batch)


async def _write(work: Worker, run: Run) -> bool:
    """Returns whether this attempt is new here."""
    async with work.db() as db:
        if await queries.find(db, run.batch_id, run.attempt) is not None:
            return False
        db.add(run)
    return True


async def _return(work: Worker, lease: Lease, reason: str, message: str = "") -> None:
    log("batch.returned", batch=str(lease.batch_id), attempt=lease.attempt, reason=reason)
    known = cast("Literal['draining', 'disk_full']", reason)
    with suppress(Problem):  # without an answer, the next complete heartbeat returns it
        await work.manager.release(lease.batch_id, BatchRelease(token=lease.token, reason=known, message=message))
