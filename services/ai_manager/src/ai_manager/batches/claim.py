"""Leases batches to a worker that asks for work (long polling)."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ai_manager.batches import queries_hot, queries_lines
from ai_manager.batches.errors import RuntimeNotYours
from ai_manager.batches.make_lease_context import LeaseContext, lease_context
from ai_manager.batches.queries_hot import Leased
from ai_manager.deps import Work, channel
from ai_manager.workers.errors import WorkerNotFound
from trapper_kit.logs import log

JITTER_SECONDS = 0.01


@dataclass(frozen=True)
class Ask:
    """A claim: batches of one runtime, those whose models the worker has loaded first."""

    worker_id: UUID
    runtime: str
    limit: int
    loaded: Sequence[str]
    on_disk: Sequence[str]
    allow_unpinned: bool = False
    memory_bytes: int | None = None
    """What the models of one batch may weigh together."""
    offline: timedelta | None = None
    """How long it wants to work without a heartbeat."""
    until: datetime | None = None
    """When its credential ends, and with it every lease."""


@dataclass(frozen=True)
class Claimed:
    """Leased batches, each with its lease context, and the length of their leases."""

    batches: Sequence[tuple[Leased, LeaseContext]]
    lease: timedelta = timedelta()
    has_forbidden: bool = False
    """Whether batches wait that this worker may not have."""


async def _never() -> bool:
    return False


async def claim_batches(
    work: Work, ask: Ask, *, wait: timedelta, lease: timedelta, gone: Callable[[], Awaitable[bool]] = _never
) -> Claimed:
    """Leases up to `ask.limit` batches, each under a token that fences later calls.

    `gone` says whether the worker has hung up meanwhile: a batch that is leased to nobody would wait out its lease.
    """
    async with work.waiter(channel(ask.runtime), at_most=wait.total_seconds()) as more:  # before the first look
        while True:
            claimed = await _look(work, ask, lease)
            if claimed.batches or not await more(
                pass_on=claimed.has_forbidden
            ):  # no connection; false when the time is up
                return claimed
            await asyncio.sleep(random.uniform(0, JITTER_SECONDS))  # noqa: S311 - spreads a herd, no secret
            if await gone():
                work.waiters.wake(channel(ask.runtime), 1)  # what it was woken for is still there
                return Claimed([])


def _length(work: Work, ask: Ask, ordinary: timedelta, *, offline_allowed: bool) -> timedelta:
    """Returns the length of the leases: days only for workers that may, and never beyond the credential."""
    length = ordinary
    if ask.offline is not None and offline_allowed:
        length = max(ordinary, min(ask.offline, timedelta(days=work.settings.offline_lease_days)))
    return length if ask.until is None else min(length, ask.until - work.clock.now())


async def _look(work: Work, ask: Ask, lease: timedelta) -> Claimed:
    asker = await queries_lines.asker(
        work.direct,
        ask.worker_id,
        runtime=ask.runtime,
        loaded=ask.loaded,
        on_disk=ask.on_disk,
        affinity=work.settings.affinity_turns,
        allow_unpinned=ask.allow_unpinned,
        memory_bytes=ask.memory_bytes,
    )
    if asker is None:
        raise WorkerNotFound
    if ask.runtime not in asker.runtimes:
        raise RuntimeNotYours(f"enrolled for {', '.join(asker.runtimes)}", runtimes=list(asker.runtimes))
    length = _length(work, ask, lease, offline_allowed=asker.offline)
    leased: list[Leased] = []
    for line in asker.lines:
        leased += await queries_hot.claim(
            work.direct,
            line,
            project=asker.project,
            limit=ask.limit - len(leased),
            worker_id=ask.worker_id,
            token=work.new_token(),
            lease=length,
        )
        if len(leased) >= ask.limit:
            break
    for batch in leased:
        log("batch.leased", batch_id=batch.id, job_id=batch.job_id, worker_id=ask.worker_id, attempt=batch.attempt)
    return Claimed([(batch, await lease_context(work, batch.job_id)) for batch in leased], length, asker.has_forbidden)
