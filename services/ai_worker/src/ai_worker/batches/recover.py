"""Recovers the runs of a former process, so that nothing is lost or computed twice."""

import shutil
import time
from pathlib import Path
from uuid import UUID

from ai_worker.batches import queries
from ai_worker.batches.models import Run
from ai_worker.batches.release import release_batch
from ai_worker.batches.worker import Worker
from ai_worker.leases.events import Recovered
from ai_worker.leases.runs import Lease, RunState, kills_workers
from ai_worker.results import queries as results
from ai_worker.results.keep import spool_file
from trapper_kit.logs import log

_REFUSED_KEPT = 20


async def recover_runs(work: Worker) -> None:
    """Loads the runs of the database into the worker state.

    An interrupted batch goes on once a heartbeat has confirmed its lease, or at once when the lease needs no link. A
    batch under which the worker has died too often is released. Results are delivered.
    """
    async with work.db() as db:
        held = await queries.held(db)
        deadly = [run for run in held if _is_deadly(work, run)]
        for run in held:
            if run.state is RunState.RUNNING and run not in deadly:
                await queries.become(db, run.id, RunState.LEASED)
    work.handle(Recovered(tuple(_lease(work, run) for run in held)))
    for run in deadly:
        died = f"the worker ended {run.starts} times while it computed this batch"
        await release_batch(work, run, "inference_died", died)
    await tidy_folders(work)
    log("worker.recovered", runs=len(work.state.unfinished), results=len(work.state.undelivered))


def _lease(work: Worker, run: Run) -> Lease:
    deadline = None  # until a heartbeat has confirmed it
    if run.offline_until is not None:  # without a link nobody confirms it; one that seems over waits for the Manager
        deadline = work.monotonic() + run.offline_until - time.time()
    return Lease(
        run_id=run.id,
        batch_id=run.batch_id,
        attempt=run.attempt,
        token=str((run.lease or {}).get("token", "")),
        total=run.total,
        deadline=deadline,
        offline=run.offline_until is not None,
        state=RunState.KEPT if run.state is RunState.KEPT else RunState.LEASED,
    )


def _is_deadly(work: Worker, run: Run) -> bool:
    return run.state is RunState.RUNNING and kills_workers(run.starts, allowed=work.settings.process_starts)


async def tidy_folders(work: Worker) -> None:
    """Deletes files that no row refers to, left by a process that died."""
    # The folders are read before the rows: a file that appears meanwhile belongs to a newer row.
    spool, cache = _entries(work.settings.spool_dir), _entries(work.settings.cache_dir)
    async with work.db() as db:
        spooled = await results.in_spool(db)
        unfinished = await queries.unfinished_ids(db)
        refused = await results.refused(db)
        old = [kept.run_id for kept in refused[_REFUSED_KEPT:]]
        await results.delete_results(db, old)
    for run_id in old:
        spool_file(work, run_id).unlink(missing_ok=True)
    _remove(spool, keep=spooled | unfinished)  # an unfinished run may be writing its result right now
    _remove(cache, keep=unfinished)


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
