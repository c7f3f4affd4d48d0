"""Makes jobs of resources that no job of their linked collection has yet."""

from datetime import timedelta

from expert.deps import ExpertWork
from expert.jobs import queries, queries_scope
from expert.jobs.create import fill_job, new_job
from expert.jobs.freeze import freeze_config
from expert.jobs.queries_scope import DueCollection
from expert.jobs.state import Overrides
from trapper_kit.logs import log
from trapper_kit.problems import Problem

COLLECTIONS_AT_ONCE = 100


async def cover_due(work: ExpertWork) -> None:
    """Make one job per linked collection with due resources, each in its own transaction."""
    intervals = work.settings.intervals
    async with work.db() as db:
        due_links = await queries_scope.due_collections(
            db,
            quiet=timedelta(seconds=intervals.gather_quiet),
            at_most=timedelta(seconds=intervals.gather_at_most),
            enough=work.settings.job_max_resources,
            limit=COLLECTIONS_AT_ONCE,
        )
    for due in due_links:
        try:
            await _cover(work, due)
        except Problem as problem:
            log("job.not_made", linked_collection=due.linked_collection_id, problem=problem.type, detail=problem.detail)


async def _cover(work: ExpertWork, due: DueCollection) -> None:
    now = work.clock.now()
    async with work.db() as db:
        project = await queries.project(db, due.classification_project_id)
        assert project is not None  # noqa: S101 - a foreign key holds it
        frozen = await freeze_config(db, project, Overrides())
        scope = (due.linked_collection_id, project.id, frozen.config.models_key)
        await queries_scope.take_answered(db, *scope, now=now)
        taken = await queries_scope.take_due(db, *scope, now=now, limit=work.settings.job_max_resources)
        if not taken:
            return
        job = new_job(
            frozen,
            classification_project_id=project.id,
            linked_collection_id=due.linked_collection_id,
            total=len(taken),
            interactive=False,
            now=now,
        )
        db.add(job)
        await db.flush()
        await fill_job(db, job, taken, auto=True)
        log("job.created", job=job.id, resources=len(taken))
