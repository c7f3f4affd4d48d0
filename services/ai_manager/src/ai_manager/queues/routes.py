"""The fleet and the queue, for people."""

from datetime import datetime, timedelta

from fastapi import APIRouter

from ai_manager.access.guards import MayOperate
from ai_manager.batches import queries as batches
from ai_manager.batches.state import SEPARATOR
from ai_manager.deps import Db, Now, WorkDep
from ai_manager.queues import queries
from ai_manager.queues.schemas import Queue, Queues
from ai_manager.workers import queries as workers
from ai_manager.workers.models import Worker
from ai_manager.workers.state import state_of
from trapper_kit.paging import Cut, split
from trapper_kit.problems import Forbidden, Malformed, Unauthenticated
from trapper_kit.web.app import problems
from trapper_kit.web.params import Cursor, Limit
from trapper_schemas.paging import Page
from trapper_schemas.v1.workers import Device, WorkerReply

router = APIRouter(prefix="/api", tags=["queues"], responses=problems(Unauthenticated, Forbidden))


@router.get("/queues/")
async def list_queues(_caller: MayOperate, db: Db, now: Now, work: WorkDep) -> Queues:
    """Depth per runtime, the oldest waiting batch, and how many workers there are for it."""
    seen_after = now - timedelta(seconds=work.intervals.alive)
    items: list[Queue] = []
    for depth in await queries.depths(db):
        runtimes = depth.runtimes.split(SEPARATOR)
        oldest = (now - queries.made_at(depth.oldest)).total_seconds() if depth.oldest else None
        items.append(
            Queue(
                runtimes=runtimes,
                waiting=depth.waiting,
                leased=depth.leased,
                resources=depth.resources,
                oldest_waiting_seconds=None if oldest is None else max(0.0, oldest),
                workers=await queries.alive(db, runtimes, seen_after=seen_after),
            )
        )
    return Queues(items=items)


@router.get("/workers/", responses=problems(Malformed))
async def list_workers(
    _caller: MayOperate, db: Db, now: Now, work: WorkDep, limit: Limit = 50, cursor: Cursor = None
) -> Page[WorkerReply]:
    """Who is alive, its version and devices, what it measured, how many batches it holds."""
    cut = Cut.of(limit, cursor, {})
    rows, next_cursor = split(await workers.list_workers(db, cut), cut, lambda row: [row.id])
    leases = await batches.leases_by_worker(db, [row.id for row in rows])
    items = [_reply(row, leases.get(row.id, 0), now, work.intervals.alive) for row in rows]
    return Page(items=items, next_cursor=next_cursor)


def _reply(worker: Worker, leases: int, now: datetime, alive_seconds: float) -> WorkerReply:
    state = state_of(seen_at=worker.seen_at, revoked_at=worker.revoked_at, now=now, alive_seconds=alive_seconds)
    return WorkerReply(
        id=worker.id,
        name=worker.name,
        version=worker.version,
        state=state.value,
        runtimes=worker.runtimes,
        devices=[Device.model_validate(device) for device in worker.devices],
        seen_at=worker.seen_at,
        images_per_second=worker.images_per_second,
        leases=leases,
    )
