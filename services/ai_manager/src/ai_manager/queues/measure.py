"""Measures the queue: what waits, who could run it, and how long it would take."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from ai_manager.batches.state import SEPARATOR
from ai_manager.deps import Work
from ai_manager.queues import queries
from ai_manager.queues.queries import Depth, Speeds
from trapper_kit.db import Session

MEASURED_WITHIN = timedelta(days=30)
"""Speeds of workers that were seen since count, also when nobody is there now: a fleet may be scaled to nothing."""


@dataclass(frozen=True)
class RuntimeLoad:
    """The work that one runtime could do, and its workers."""

    runtime: str
    waiting: int
    resources: int
    seconds_of_work: float | None
    """For one worker; None while nobody measured one of the models on this runtime."""
    oldest: datetime | None
    workers: int


@dataclass(frozen=True)
class Measured:
    """The queue at one moment."""

    depths: Sequence[Depth]
    leased: dict[str, tuple[int, int]]
    runtimes: Sequence[RuntimeLoad]
    fleet: Sequence[Speeds]


async def measure_queue(work: Work, db: Session) -> Measured:
    """Measures the queue with index scans, so that its cost does not grow with what is kept."""
    depths = await queries.depths(db)
    fleet = await queries.fleet(
        db, seen_within=timedelta(seconds=work.intervals.alive), measured_after=work.clock.now() - MEASURED_WITHIN
    )
    return Measured(depths, await queries.leased(db), load_by_runtime(depths, fleet), fleet)


def load_by_runtime(depths: Iterable[Depth], fleet: Sequence[Speeds]) -> list[RuntimeLoad]:
    """Returns the load by runtime; a batch that several runtimes can run counts for each."""
    by_runtime: dict[str, list[Depth]] = {
        runtime: [] for worker in fleet if worker.alive for runtime in worker.runtimes
    }
    for depth in depths:
        for runtime in depth.runtimes.split(SEPARATOR):
            by_runtime.setdefault(runtime, []).append(depth)
    return [_load(runtime, some, fleet) for runtime, some in sorted(by_runtime.items())]


def _load(runtime: str, depths: Sequence[Depth], fleet: Sequence[Speeds]) -> RuntimeLoad:
    able = [worker for worker in fleet if runtime in worker.runtimes]
    seconds: list[float | None] = []
    for depth in depths:
        resources = depth.resources + depth.unplanned
        speed = speed_of(depth.first_model, able)
        seconds.append(0.0 if not resources else None if speed is None else resources / speed)
    known = [value for value in seconds if value is not None]
    oldest = [queries.made_at(depth.oldest) for depth in depths if depth.oldest is not None]
    return RuntimeLoad(
        runtime=runtime,
        waiting=sum(depth.waiting for depth in depths),
        resources=sum(depth.resources + depth.unplanned for depth in depths),
        seconds_of_work=sum(known) if len(known) == len(seconds) else None,
        oldest=min(oldest, default=None),
        workers=sum(worker.alive for worker in able),
    )


def speed_of(model: str, workers: Iterable[Speeds]) -> float | None:
    """Returns resources per second of one worker: the median of live workers, else of all that measured."""
    measured = [(worker.alive, float(speed)) for worker in workers if (speed := worker.images_per_second.get(model))]
    alive = [speed for is_alive, speed in measured if is_alive]
    everybody = alive or [speed for _, speed in measured]
    return median(everybody) if everybody else None
