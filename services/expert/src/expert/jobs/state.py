"""The life of an AI job and of each resource in it, as pure decisions."""

from enum import StrEnum

from trapper_schemas.v1.jobs import JobState


class JobKind(StrEnum):
    """What a job asks for."""

    DETECT = "detect"


class JobStage(StrEnum):
    """How far a job is; `queued` and `running` are the Manager's `planned` and `running` as last heard."""

    CREATED = "created"
    SUBMITTED = "submitted"
    QUEUED = "queued"
    RUNNING = "running"
    FETCH_RESULTS = "fetch_results"
    INGESTING = "ingesting"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How one resource of a job ended; `pending` is not an end."""

    PENDING = "pending"
    DONE = "done"
    BLANK = "blank"
    FAILED = "failed"
    CANCELLED = "cancelled"


CLOSED = frozenset({JobStage.FINISHED, JobStage.FAILED, JobStage.CANCELLED})
OPEN = tuple(stage for stage in JobStage if stage not in CLOSED)
FOLLOWED = tuple(stage for stage in OPEN if stage is not JobStage.CREATED)
"""Stages in which the Manager knows the job and the job is not over here."""
CLOSED_THERE = frozenset({JobState.FINISHED, JobState.PARTIAL})
ENDED = (Outcome.DONE, Outcome.BLANK)
"""Outcomes of a resource that was looked at."""

JOB_FAILED = "job-failed"
"""The code of a resource whose job ended before it had an outcome of its own."""

_HEARD = {
    JobState.ACCEPTED: JobStage.SUBMITTED,
    JobState.PLANNED: JobStage.QUEUED,
    JobState.RUNNING: JobStage.RUNNING,
    JobState.FINISHED: JobStage.FETCH_RESULTS,
    JobState.PARTIAL: JobStage.FETCH_RESULTS,
    JobState.FAILED: JobStage.FAILED,
    JobState.CANCELLED: JobStage.CANCELLED,
}
_ORDER = list(JobStage)


def after_hearing(stage: JobStage, heard: JobState, *, unacknowledged: int) -> JobStage:
    """Where a job stands once the Manager has told its state; never backwards, and never out of an end."""
    if stage in CLOSED or stage is JobStage.CREATED:
        return stage
    there = _HEARD[heard]
    if heard in CLOSED_THERE and unacknowledged == 0:
        there = JobStage.INGESTING
    return there if _ORDER.index(there) > _ORDER.index(stage) else stage
