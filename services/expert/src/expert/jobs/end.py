"""End a job: pending resources get an outcome, counts are written, and people may classify its resources."""

from datetime import datetime
from typing import Any
from uuid import UUID

from expert.jobs import queries, queries_scope
from expert.jobs.models import AiClassificationJob
from expert.jobs.run_stages import run_stages
from expert.jobs.state import CLOSED, JOB_FAILED, JobStage, Outcome
from trapper_kit.db import Session, db_clock
from trapper_kit.logs import log


async def end_job(
    db: Session, job_id: UUID, stage: JobStage, *, now: datetime, error: str | None = None, settled: bool = False
) -> AiClassificationJob | None:
    """The ended job, or None when it had ended before; `settled` means that the Manager need not be told."""
    job = await queries.get(db, job_id, lock=True)
    if job is None or job.stage in CLOSED:
        return None
    if stage is not JobStage.FINISHED:
        outcome = Outcome.CANCELLED if stage is JobStage.CANCELLED else Outcome.FAILED
        failed = outcome is Outcome.FAILED
        left = await queries.end_pending(
            db, job_id, outcome=outcome, code=JOB_FAILED if failed else None, message=error if failed else None
        )
        await queries_scope.mark_ended(db, job.linked_collection_id, left, now=now)
    values: dict[str, Any] = await recount(db, job_id)
    values |= {"error": error, "closed_at": now, "next_look_at": db_clock(), "unacknowledged": 0}
    if settled:
        values["manager_settled_at"] = now
    if stage is JobStage.FINISHED:
        await run_stages(db, job)
    log("job.ended", job=job_id, stage=stage.value, detail=error)
    return await queries.move(db, job_id, was=job.stage, to=stage, now=now, **values)


async def recount(db: Session, job_id: UUID) -> dict[str, Any]:
    """The counts of a job by outcome, counted from its resources."""
    counted = (await queries.counts(db, [job_id]))[job_id]
    return {name: counted[name] for name in ("done", "blank", "failed", "cancelled", "with_animals")}
