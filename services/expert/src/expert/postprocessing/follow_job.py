"""Masks the results of a job with the taxa list of its project: the stage after ingest, a run that can be undone."""

from uuid import UUID

from expert.classification_projects.models import ClassificationProject
from expert.deps import ExpertWork
from expert.jobs import queries as jobs
from expert.jobs.run_stages import POST_PROCESS
from expert.operations.models import Operation
from expert.operations.register import operation_kind
from expert.operations.state import BatchOutcome, LogLevel, LogLine
from expert.postprocessing import queries
from expert.postprocessing.queries_selection import count_rows, has_logits_of_job
from expert.postprocessing.run_batches import run_batch
from expert.postprocessing.start_run import RunTarget, note_run, read_config
from expert.postprocessing.state import MethodKey, RunScope
from trapper_kit.db import Session
from trapper_schemas.v1.models import ModelKind


@operation_kind(POST_PROCESS)
async def mask_job(work: ExpertWork, db: Session, operation: Operation) -> BatchOutcome:
    """Does the next batch; the first one notes the run. Nothing is done without a taxa list, or without logits."""
    if await queries.read(db, operation.id) is None:
        reason = await _note(db, operation)
        if reason is not None:
            line = LogLine(LogLevel.INFO, reason)
            done = operation.total - operation.done
            return BatchOutcome(operation.position, done=done, is_last=True, lines=[line])
    return await run_batch(work, db, operation)


async def _note(db: Session, operation: Operation) -> str | None:
    """Notes the run beside its operation, or says why there is none; raises the refusals of class masking."""
    job = await jobs.get(db, UUID(str(operation.parameters["job_id"])))
    project = await db.get(ClassificationProject, operation.classification_project_id)
    if job is None or project is None or project.taxa_list_id is None:
        return "The project has no taxa list, so nothing is masked."
    algorithm_id = job.job_config.algorithm_of(ModelKind.CLASSIFICATION)
    if algorithm_id is None or not await has_logits_of_job(db, job.id, algorithm_id):
        return "The results of the job hold no logits of a species model, so nothing is masked."
    given = {"algorithm_id": str(algorithm_id), "taxa_list_id": str(project.taxa_list_id)}
    config = read_config(MethodKey.CLASS_MASKING, given)
    target = RunTarget(project.id, MethodKey.CLASS_MASKING, RunScope(job_id=job.id), config)
    plan = await target.prepare(db)
    operation.total = await count_rows(db, plan.selection)
    await note_run(db, operation, plan, target, is_dry=False)
    return None
