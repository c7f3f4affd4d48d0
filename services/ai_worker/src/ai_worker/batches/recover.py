"""After a start: the rows tell what was in hand; nothing is lost, nothing is done twice."""

import shutil
import time
from pathlib import Path
from uuid import UUID

from ai_worker.batches import queries
from ai_worker.batches.hand import Hand
from ai_worker.batches.models import Run
from ai_worker.batches.release import release_batch
from ai_worker.batches.state import RunState, kills_workers
from ai_worker.results import queries as results
from ai_worker.results.keep import spool_file
from trapper_kit.logs import log

_REFUSED_KEPT = 20


async def recover_runs(work: Hand) -> None:
    """Interrupted batches go on when a heartbeat confirms their lease, or it needs no link; results are delivered."""
    async with work.db() as db:
        runs = await queries.unfinished(db)
        again = [run for run in runs if not _deadly(work, run)]
        for run in again:
            await queries.become(db, run.id, RunState.LEASED)
        waiting, _ = await results.waiting_bytes(db)
    for run in again:
        if run.offline_until is not None:  # nobody can be asked in the field; a lease that is over waits for an answer
            work.deadlines[run.id] = work.monotonic() + run.offline_until - time.time()
    for run in runs:
        if _deadly(work, run):
            died = f"the worker ended {run.starts} times while it computed this batch"
            await release_batch(work, run, "inference_died", died)
    await tidy_folders(work)
    log("worker.recovered", runs=len(again), results=waiting)


def _deadly(work: Hand, run: Run) -> bool:
    return run.state is RunState.RUNNING and kills_workers(run.starts, allowed=work.settings.process_starts)


async def tidy_folders(work: Hand) -> None:
    """Remove files that no row names: they were written just before a process ended."""
    # Looked at before the rows are: whatever appears meanwhile belongs to a row that is newer than our question.
    spool, cache = _entries(work.settings.spool_dir), _entries(work.settings.cache_dir)
    async with work.db() as db:
        spooled = await results.in_spool(db)
        in_hand = await queries.in_hand(db)
        refused = await results.refused(db)
        old = [kept.run_id for kept in refused[_REFUSED_KEPT:]]
        await results.forget(db, old)
    for run_id in old:
        spool_file(work, run_id).unlink(missing_ok=True)
    _remove(spool, keep=spooled | in_hand)  # a run in hand may be writing its blob right now
    _remove(cache, keep=in_hand)


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def _remove(paths: list[Path], *, keep: set[UUID]) -> None:
    names = {str(run_id) for run_id in keep}
    for path in paths:
        if path.name.partition(".")[0] in names:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
