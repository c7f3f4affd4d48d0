"""Prometheus metrics of the queue and the fleet; every process reports the same."""

from datetime import datetime, timedelta

from ai_manager.deps import Work
from ai_manager.queues import queries
from ai_manager.queues.measure import Measured, measure_queue
from trapper_kit.metrics import Family, Sample


async def report_metrics(work: Work) -> list[Family]:
    """Reads the metrics in one short transaction per scrape."""
    now = work.clock.now()
    async with work.db() as db:
        measured = await measure_queue(work, db)
        workers = await queries.workers_by_state(db, seen_within=timedelta(seconds=work.intervals.alive))
        losses = await queries.losses(db)
        unwritten = await queries.unwritten(db)
        unfetched, oldest = await queries.unfetched(db)
    return [
        *_of_queue(measured, unwritten, now),
        Family(
            "trapper_workers",
            "Workers that were not sent away, by how they stand",
            ("state",),
            [Sample((state,), workers.get(state, 0)) for state in ("alive", "paused", "draining", "silent")],
        ),
        Family(
            "trapper_batch_losses_total",
            "Batches that a worker did not finish: expired, released, died, drained (at no loss)",
            ("loss",),
            [Sample((loss,), losses.get(loss, 0)) for loss in ("expired", "released", "died", "drained")],
            counter=True,
        ),
        Family(
            "trapper_unfetched_results",
            f"Results that wait to be fetched (counted up to {queries.COUNTED_AT_MOST})",
            (),
            [Sample((), unfetched)],
        ),
        Family(
            "trapper_unfetched_oldest_seconds",
            "How long the oldest result has waited to be fetched",
            (),
            [Sample((), oldest or 0.0)],
        ),
    ]


def _of_queue(measured: Measured, unwritten: int, now: datetime) -> list[Family]:
    runtimes = measured.runtimes
    states = {
        "waiting": sum(depth.waiting for depth in measured.depths),
        "leased": sum(batches for batches, _ in measured.leased.values()),
        "exhausted": unwritten,
    }
    age = [((now - load.oldest).total_seconds() if load.oldest else 0.0) for load in runtimes]
    return [
        Family(
            "trapper_batches",
            "Batches in the queue; exhausted ones are those whose failures are not written down yet",
            ("state",),
            [Sample((state,), count) for state, count in states.items()],
        ),
        Family(
            "trapper_waiting_batches",
            "Batches that this runtime could run next",
            ("runtime",),
            [Sample((load.runtime,), load.waiting) for load in runtimes],
        ),
        Family(
            "trapper_waiting_resources",
            "Photos and videos that this runtime could look at next, cut into batches or not",
            ("runtime",),
            [Sample((load.runtime,), load.resources) for load in runtimes],
        ),
        Family(
            "trapper_waiting_work_seconds",
            "How long one worker of this runtime would take for all of it at the measured speed; absent while unknown",
            ("runtime",),
            [Sample((load.runtime,), load.seconds_of_work) for load in runtimes if load.seconds_of_work is not None],
        ),
        Family(
            "trapper_waiting_oldest_seconds",
            "How long the oldest batch has waited that this runtime could run",
            ("runtime",),
            [Sample((load.runtime,), max(0.0, seconds)) for load, seconds in zip(runtimes, age, strict=True)],
        ),
        Family(
            "trapper_live_workers",
            "Workers of this runtime that live and are neither paused nor leaving",
            ("runtime",),
            [Sample((load.runtime,), load.workers) for load in runtimes],
        ),
    ]
