"""Delivers kept results to the Manager until it has answered for each of them."""

import logging
from contextlib import suppress

from prometheus_client import Counter

from ai_worker.deps import WorkerWork
from ai_worker.manager_client import status_of
from ai_worker.results import queries
from ai_worker.results.keep import spool_file
from ai_worker.results.models import KeptResult
from ai_worker.results.state import KeptState, after_refusal
from trapper_kit.http_replies import Unreachable
from trapper_kit.logs import bound, log
from trapper_kit.problems import Problem
from trapper_schemas.v1.batches import BatchRelease

DELIVERIES = Counter("trapper_deliveries_total", "Deliveries of results, by how the Manager answered", ["outcome"])
_PER_TURN = 20


async def deliver_results(work: WorkerWork) -> bool:
    """Deliver the oldest waiting results once each; True when there may be more."""
    async with work.db() as db:
        kept = await queries.waiting(db, limit=_PER_TURN)
    for result in kept:
        with bound(batch=str(result.batch_id), attempt=result.attempt):
            state = await _deliver(work, result)
        if state is None:
            return False
    return len(kept) == _PER_TURN


async def _deliver(work: WorkerWork, kept: KeptResult) -> KeptState | None:
    """The state after the Manager's answer; None when it did not answer, or asks to try again."""
    problem: Problem | None = None
    state = KeptState.DELIVERED
    try:
        blob = spool_file(work, kept.run_id).read_bytes()
        await work.manager.save_results(kept.batch_id, token=kept.token, sha256=kept.sha256, blob=blob)
        work.note_manager(None)
    except FileNotFoundError:
        state = KeptState.LOST
    except Unreachable as unreachable:
        DELIVERIES.labels("unanswered").inc()
        work.note_manager(unreachable)
        return None
    except Problem as refusal:
        problem, state = refusal, after_refusal(status_of(refusal))
    async with work.db() as db:
        await queries.tried(db, kept.run_id, state=state, problem=None if problem is None else _reasons(problem))
    DELIVERIES.labels("postponed" if state is KeptState.WAITING else state.value).inc()
    if state is KeptState.WAITING:
        log("results.postponed", level=logging.WARNING, problem=str(problem))
        return None
    level = logging.ERROR if state is KeptState.REFUSED else logging.INFO
    log(f"results.{state.value}", level=level, bytes=kept.size_bytes, problem=None if problem is None else str(problem))
    if state is KeptState.REFUSED and problem is not None:
        await _release(work, kept, problem)
    work.wakeups.wake("batches.settle")
    return state


def _reasons(problem: Problem) -> str:
    reasons = "; ".join(error.message for error in problem.errors or ())
    return f"{problem.type}: {problem}{f' ({reasons})' if reasons else ''}"[:1000]


async def _release(work: WorkerWork, kept: KeptResult, problem: Problem) -> None:
    """Release the batch to another worker: results that the Manager refuses once, it refuses always."""
    release = BatchRelease(
        token=kept.token, reason="cannot_run", message=f"results refused: {_reasons(problem)}"[:2000]
    )
    with suppress(Problem):
        await work.manager.release(kept.batch_id, release)
