"""A worker asks for work."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from ai_manager.batches import queries, queries_lines
from ai_manager.batches.errors import RuntimeNotYours
from ai_manager.batches.models import Batch, Terms
from ai_manager.catalog import queries as catalog
from ai_manager.catalog.models import Model
from ai_manager.deps import Work, channel
from ai_manager.workers import queries as workers
from ai_manager.workers.errors import WorkerNotFound
from trapper_kit.db import Session
from trapper_kit.logs import log
from trapper_schemas.v1.jobs import Stage

JITTER_SECONDS = 0.01


@dataclass(frozen=True)
class Ask:
    """What a worker wants: batches of one runtime, those whose models it has at hand first."""

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
    """Leased batches with what a worker must know to run them."""

    batches: Sequence[Batch]
    terms: dict[UUID, Terms]
    models: dict[catalog.Key, Model]
    lease: timedelta = timedelta()


async def _never() -> bool:
    return False


async def claim_batches(
    work: Work, ask: Ask, *, wait: timedelta, lease: timedelta, gone: Callable[[], Awaitable[bool]] = _never
) -> Claimed:
    """Hand out up to `ask.limit` batches under tokens that prove, later, that they are still this worker's.

    `gone` says whether the worker has hung up meanwhile: a batch that is leased to nobody would wait out its lease.
    """
    async with work.waiter(channel(ask.runtime), at_most=wait.total_seconds()) as more:  # before the first look
        while True:
            async with work.db() as db:
                claimed = await _look(work, db, ask, lease)
            if claimed.batches or not await more():  # holds no connection; false when the time is up
                return claimed
            await asyncio.sleep(random.uniform(0, JITTER_SECONDS))  # noqa: S311 - spreads a herd, no secret
            if await gone():
                return Claimed([], {}, {})


def _length(work: Work, ask: Ask, ordinary: timedelta, *, offline_allowed: bool) -> timedelta:
    """How long these leases last: days only for who may, and never beyond the credential."""
    length = ordinary
    if ask.offline is not None and offline_allowed:
        length = max(ordinary, min(ask.offline, timedelta(days=work.settings.offline_lease_days)))
    return length if ask.until is None else min(length, ask.until - work.clock.now())


async def _look(work: Work, db: Session, ask: Ask, lease: timedelta) -> Claimed:
    worker = await workers.get(db, ask.worker_id)
    if worker is None:
        raise WorkerNotFound
    if ask.runtime not in worker.runtimes:
        raise RuntimeNotYours(f"enrolled for {', '.join(worker.runtimes)}", runtimes=worker.runtimes)
    if worker.paused or worker.drain:
        return Claimed([], {}, {})
    length = _length(work, ask, lease, offline_allowed=worker.offline)
    leased: list[Batch] = []
    lines = await queries_lines.lines(
        db,
        runtime=ask.runtime,
        project=worker.project,
        loaded=ask.loaded,
        on_disk=ask.on_disk,
        affinity=work.settings.affinity_turns,
        allow_unpinned=ask.allow_unpinned,
        memory_bytes=ask.memory_bytes,
    )
    for line in lines:
        leased += await queries.claim(
            db,
            line,
            project=worker.project,
            limit=ask.limit - len(leased),
            worker_id=worker.id,
            token=work.new_token(),
            lease=length,
        )
        if len(leased) >= ask.limit:
            break
    for batch in leased:
        log("batch.leased", batch_id=batch.id, job_id=batch.job_id, worker_id=batch.worker_id, attempt=batch.attempt)
    terms = await queries.terms_of(db, [batch.job_id for batch in leased]) if leased else {}
    refs = [Stage.model_validate(stage).model for one in terms.values() for stage in one.stages]
    return Claimed(leased, terms, await catalog.by_refs(db, refs) if refs else {}, length)
