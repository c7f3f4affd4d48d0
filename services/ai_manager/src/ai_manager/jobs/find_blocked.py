"""Finds out why no worker takes the waiting batches of a job or a queue."""

from collections.abc import Sequence

from ai_manager.batches.models import Terms
from ai_manager.batches.state import SEPARATOR
from ai_manager.catalog import queries as catalog
from ai_manager.catalog.state import missing
from ai_manager.deps import Work
from ai_manager.jobs import queries
from ai_manager.jobs.state import Need, blocked_by
from ai_manager.workers import queries as workers
from ai_manager.workers.state import Ability, state_of
from trapper_kit.db import Session
from trapper_schemas.blocked import Blocked
from trapper_schemas.v1.models import BlockedModel, ModelEntry, ModelState
from trapper_schemas.v1.workers import WorkerState


async def abilities(work: Work, db: Session) -> list[Ability]:
    """Returns what each worker that is not revoked may run, and its state."""
    now = await workers.moment(db)
    return [
        Ability(
            runtimes=worker.runtimes,
            project=worker.project,
            memory_bytes=worker.memory_bytes,
            allow_unpinned=worker.allow_unpinned,
            state=WorkerState(
                state_of(
                    seen_at=worker.seen_at,
                    revoked_at=worker.revoked_at,
                    paused=worker.paused,
                    drain=worker.drain,
                    now=now,
                    alive_seconds=work.intervals.alive,
                )
            ),
        )
        for worker in await workers.enrolled(db)
    ]


async def find_blocked(work: Work, db: Session, terms: Terms) -> Blocked | None:
    """Returns why the job needs a person; None when a worker has a batch of it or may take one."""
    if await queries.has_leased(db, terms.job_id):
        return None
    need = Need(terms.runtimes.split(SEPARATOR), terms.project, terms.weights_bytes, unpinned=terms.unpinned)
    return blocked_by(need, await abilities(work, db))


async def find_blocked_models(work: Work, db: Session) -> list[BlockedModel]:
    """Models that could be chosen for jobs, but that no worker of the fleet can run, whatever its project."""
    fleet = await abilities(work, db)
    models: list[BlockedModel] = []
    for model in await catalog.list_models(db, name=None, retired=False):
        entry = ModelEntry.model_validate(model.entry)
        if model.state is ModelState.PUBLISHED and missing(entry, held=model.held, unpinned=True) is None:
            weights_bytes = model.held_bytes or entry.size_bytes or 0
            need = Need(entry.runtimes, None, weights_bytes, unpinned=entry.sha256 is None)
            if (blocked := blocked_by(need, fleet)) is not None:
                models.append(BlockedModel(name=entry.name, version=entry.version, blocked=blocked))
    return models


def find_blocked_queue(
    runtimes: Sequence[str], weights_bytes: int, fleet: Sequence[Ability], *, unpinned: bool
) -> Blocked | None:
    """Returns the same for the batches of one queue and model set, of whatever project."""
    return blocked_by(Need(runtimes, None, weights_bytes, unpinned=unpinned), fleet)
