"""Runs what follows the results of a job: each stage is an operation, so it is resumed, swept and run again alone."""

from expert.access.make_once import IdempotentRequest
from expert.jobs import queries, queries_stages
from expert.jobs.errors import JobNotFinished, StageStillRuns
from expert.jobs.models import AiClassificationJob, JobStageRun
from expert.jobs.state import JobStage, StageAfterIngest
from expert.operations.models import Operation
from expert.operations.start import begin_operation, start_operation
from expert.operations.state import CLOSED
from expert.sequences.extend import EXTEND
from trapper_kit.db import Session

POST_PROCESS = "postprocessing.after_job"
"""The kind of operation that masks the results of a job with the taxa list of its project."""
KINDS_OF_STAGES = {StageAfterIngest.SEQUENCES: EXTEND, StageAfterIngest.POST_PROCESSING: POST_PROCESS}
"""The kind of operation that runs each stage."""


async def run_stages(db: Session, job: AiClassificationJob) -> None:
    """Starts the stages after ingest of a job whose results are applied; post-processing only with a taxa list."""
    project = await queries.project(db, job.classification_project_id)
    for stage in StageAfterIngest:
        if stage is StageAfterIngest.POST_PROCESSING and (project is None or project.taxa_list_id is None):
            continue
        await _note(db, job, stage, await begin_operation(db, _operation(job, stage)))


async def rerun_stage(
    db: Session, job: AiClassificationJob, stage: StageAfterIngest, request: IdempotentRequest
) -> Operation:
    """Starts one stage again; raises JobNotFinished, and StageStillRuns while an earlier run has not ended."""
    held = await queries.get(db, job.id, lock=True)
    if held is None or held.stage is not JobStage.FINISHED:
        raise JobNotFinished
    runs = (await queries_stages.runs_of(db, [job.id])).get(job.id, {})
    for id_, operation in runs.get(stage, []):
        if operation.state not in CLOSED and operation.idempotency_key != request.key:
            raise StageStillRuns(f"it is operation {id_}")
    operation, is_new = await start_operation(db, _operation(job, stage), request)
    if is_new:
        await _note(db, job, stage, operation)
    return operation


def _operation(job: AiClassificationJob, stage: StageAfterIngest) -> Operation:
    return Operation(
        kind=KINDS_OF_STAGES[stage],
        classification_project_id=job.classification_project_id,
        parameters={"job_id": str(job.id), "linked_collection_id": str(job.linked_collection_id)},
        total=job.total,
    )


async def _note(db: Session, job: AiClassificationJob, stage: StageAfterIngest, operation: Operation) -> None:
    db.add(JobStageRun(operation_id=operation.id, job_id=job.id, stage=stage))
    await db.flush()
