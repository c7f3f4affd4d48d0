"""The queue, for people."""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter

from ai_manager.access.guards import MayManageFleet, MayReadCatalog
from ai_manager.batches.state import SEPARATOR
from ai_manager.deps import Db, Now, WorkDep
from ai_manager.jobs.find_blocked import abilities, find_blocked_models, find_blocked_queue
from ai_manager.queues.measure import Measured, measure_queue
from ai_manager.queues.queries import Depth, made_at
from ai_manager.workers.state import Ability
from trapper_schemas.paging import Page
from trapper_schemas.v1.models import BlockedModel
from trapper_schemas.v1.queues import ModelSet, Queue, Queues, Runtime

router = APIRouter(prefix="/api", tags=["queues"])


@router.get("/queues/")
async def list_queues(_caller: MayManageFleet, db: Db, now: Now, work: WorkDep) -> Queues:
    """List the queues: what waits, for how long, and how long the work takes."""
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
    leased, leased_resources = measured.leased.get(joined, (0, 0))
    oldest = [made_at(depth.oldest) for depth in depths if depth.oldest is not None]
    return Queue(
        runtimes=runtimes,
        waiting=sum(depth.waiting for depth in depths),
        leased=leased,
        resources=leased_resources + sum(depth.resources for depth in depths),
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
