"""Ends runs whose results the Manager has answered for, and deletes their files."""

from ai_worker.batches import queries
from ai_worker.batches.worker import Worker
from ai_worker.leases.events import RunEnded
from ai_worker.leases.runs import RunState
from ai_worker.results import queries as results
from ai_worker.results.keep import spool_file
from ai_worker.results.state import KeptState

_RUNS_KEPT = 200


async def settle_runs(work: Worker) -> bool:
    """Ends the runs; refused results stay on disk for `doctor`."""
    async with work.db() as db:
        results_ended = await results.finished(db)
        for kept in results_ended:
            state = RunState.DELIVERED if kept.state is KeptState.DELIVERED else RunState.RELEASED
            await queries.become(db, kept.run_id, state, because=kept.problem or kept.state.value)
        done = [kept.run_id for kept in results_ended if kept.state is not KeptState.REFUSED]
        await results.delete_results(db, done)
        refused = [kept.run_id for kept in results_ended if kept.state is KeptState.REFUSED]
        await queries.prune(db, keep=_RUNS_KEPT, spare=refused)
    for run_id in done:
        spool_file(work, run_id).unlink(missing_ok=True)
    for kept in results_ended:
        work.handle(RunEnded(kept.run_id))
    return False
