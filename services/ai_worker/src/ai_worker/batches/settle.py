"""Ends the runs whose results the Manager has answered for, and drops what is no longer needed."""

from ai_worker.batches import queries
from ai_worker.batches.hand import Hand
from ai_worker.batches.state import RunState
from ai_worker.results import queries as results
from ai_worker.results.keep import spool_file
from ai_worker.results.state import KeptState

_RUNS_KEPT = 200


async def settle_runs(work: Hand) -> bool:
    """Delivered is delivered; whatever the Manager did not take is over too. Refused bytes stay for whoever looks."""
    async with work.db() as db:
        ended = await results.ended(db)
        for kept in ended:
            state = RunState.DELIVERED if kept.state is KeptState.DELIVERED else RunState.RELEASED
            await queries.become(db, kept.run_id, state, because=kept.problem or kept.state.value)
        done = [kept.run_id for kept in ended if kept.state is not KeptState.REFUSED]
        await results.forget(db, done)
        refused = [kept.run_id for kept in ended if kept.state is KeptState.REFUSED]
        await queries.prune(db, keep=_RUNS_KEPT, but=refused)
    for run_id in done:
        spool_file(work, run_id).unlink(missing_ok=True)
    return False
