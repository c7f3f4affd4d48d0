"""The fleet and the queue, for people."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter

from ai_manager.access.errors import EVERYWHERE
from ai_manager.access.guards import MayOperate, MayReadCatalog
from ai_manager.batches import queries as batches
from ai_manager.batches.state import SEPARATOR
from ai_manager.deps import Db, Now, WorkDep
from ai_manager.jobs.find_blocked import abilities, find_blocked_models, find_blocked_queue
from ai_manager.queues.measure import Measured, measure_queue
from ai_manager.queues.queries import Depth, made_at
from ai_manager.queues.schemas import ModelSet, Queue, Queues, Runtime
from ai_manager.workers import queries as workers
from ai_manager.workers.errors import WorkerNotFound
from ai_manager.workers.models import Worker
from ai_manager.workers.state import Ability, state_of
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, split
from trapper_kit.web.app import problems
from trapper_kit.web.params import Cursor, Limit
from trapper_schemas.paging import Page
from trapper_schemas.v1.models import BlockedModel
from trapper_schemas.v1.workers import Device, DeviceLoad, WorkerReply

router = APIRouter(prefix="/api", tags=["queues"], responses=problems(*EVERYWHERE))


@router.get("/queues/")
async def list_queues(_caller: MayOperate, db: Db, now: Now, work: WorkDep) -> Queues:
    """Depth per runtimes and per models, the oldest waiting batch, and how long the work would take."""
    measured = await measure_queue(work, db)
    fleet = await abilities(work, db)
    grouped: dict[str, list[Depth]] = {}
    for depth in measured.depths:
        grouped.setdefault(depth.runtimes, []).append(depth)
    return Queues(
        items=[_queue(runtimes, depths, measured, fleet, now) for runtimes, depths in grouped.items()],
        runtimes=[
            Runtime(
                runtime=load.runtime,
                waiting=load.waiting,
                resources=load.resources,
                seconds_of_work=load.seconds_of_work,
                oldest_waiting_seconds=_age(load.oldest, now),
                workers=load.workers,
            )
            for load in measured.runtimes
        ],
    )


@router.get("/blocked-models/")
async def list_blocked_models(_caller: MayReadCatalog, db: Db, work: WorkDep) -> Page[BlockedModel]:
    """List the models that no enrolled worker can run at present, each with the reason, in one page."""
    return Page(items=await find_blocked_models(work, db), next_cursor=None)


def _age(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max(0.0, (now - since).total_seconds())


def _queue(joined: str, depths: Sequence[Depth], measured: Measured, fleet: Sequence[Ability], now: datetime) -> Queue:
    runtimes = joined.split(SEPARATOR)
    leased, in_hand = measured.leased.get(joined, (0, 0))
    oldest = [made_at(depth.oldest) for depth in depths if depth.oldest is not None]
    return Queue(
        runtimes=runtimes,
        waiting=sum(depth.waiting for depth in depths),
        leased=leased,
        resources=in_hand + sum(depth.resources for depth in depths),
        unplanned=sum(depth.unplanned for depth in depths),
        oldest_waiting_seconds=_age(min(oldest, default=None), now),
        workers=sum(worker.alive and not set(runtimes).isdisjoint(worker.runtimes) for worker in measured.fleet),
        model_sets=[
            ModelSet(
                models=list(depth.models),
                waiting=depth.waiting,
                resources=depth.resources,
                unplanned=depth.unplanned,
                oldest_waiting_seconds=_age(made_at(depth.oldest), now) if depth.oldest else None,
                unpinned=depth.unpinned,
                blocked=None
                if leased
                else find_blocked_queue(runtimes, depth.weights_bytes, fleet, unpinned=depth.unpinned),
            )
            for depth in depths
        ],
    )


@router.get("/workers/")
async def list_workers(
    _caller: MayOperate, db: Db, work: WorkDep, limit: Limit = 50, cursor: Cursor = None
) -> Page[WorkerReply]:
    """Who is alive, its version and devices, what it measured, how many batches it holds and has lost."""
    page_request = PageRequest.of(limit, cursor, {})
    rows, next_cursor = split(await workers.list_workers(db, page_request), page_request, lambda row: [row.id])
    return Page(items=await _replies(db, rows, work.intervals.alive), next_cursor=next_cursor)


@router.get("/workers/{worker_id}/", responses=problems(WorkerNotFound))
async def show_worker(worker_id: UUID, _caller: MayOperate, db: Db, work: WorkDep) -> WorkerReply:
    """One of them, also when it was sent away."""
    worker = await workers.find(db, worker_id)
    if worker is None:
        raise WorkerNotFound(worker_id=str(worker_id))
    return (await _replies(db, [worker], work.intervals.alive))[0]


async def _replies(db: Session, rows: Sequence[Worker], alive_seconds: float) -> list[WorkerReply]:
    ids, now = [row.id for row in rows], await workers.moment(db)
    leases, losses = await batches.leases_by_worker(db, ids), await workers.losses_of(db, ids)
    return [_reply(row, leases.get(row.id, 0), losses.get(row.id, {}), now, alive_seconds) for row in rows]


def _reply(worker: Worker, leases: int, losses: dict[str, int], now: datetime, alive_seconds: float) -> WorkerReply:
    state = state_of(
        seen_at=worker.seen_at,
        revoked_at=worker.revoked_at,
        paused=worker.paused,
        drain=worker.drain,
        now=now,
        alive_seconds=alive_seconds,
    )
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
        project=worker.project,
        paused=worker.paused,
        drain=worker.drain,
        offline=worker.offline,
        load=worker.load,
        device_load=[DeviceLoad.model_validate(load) for load in worker.device_load],
        models_on_disk=len(worker.models_on_disk),
        losses=losses,
        enrolled_at=worker.enrolled_at,
        revoked_at=worker.revoked_at,
    )
