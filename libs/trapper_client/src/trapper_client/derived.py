"""What follows from replies: whether a job has ended, when a photo was taken, what an observation is called."""

from datetime import datetime, timedelta, timezone
from typing import Literal, get_args

from trapper_client.contract import JobReply, ObservationReply, ResourceReply

OpenStage = Literal["created", "submitted", "queued", "running", "fetch_results", "ingesting"]
OPEN_STAGES: tuple[OpenStage, ...] = get_args(OpenStage)
"""Of jobs that have not ended."""


def is_closed(job: JobReply) -> bool:
    """Whether the job has ended, in whatever way."""
    return job.stage.value not in OPEN_STAGES


def ended_resources(job: JobReply) -> int:
    """How many of a job's resources have ended, as far as is known here or at the Manager."""
    counted = job.done + job.blank + job.failed + job.cancelled
    return counted if is_closed(job) else max(counted, min(round(job.progress * job.total), job.total))


def taken_at(resource: ResourceReply) -> datetime | None:
    """As the camera's clock showed it, with the offset of the file or of the place; none is invented."""
    if resource.recorded_at is None or resource.recorded_offset_seconds is None:
        return resource.recorded_at
    return resource.recorded_at.replace(tzinfo=timezone(timedelta(seconds=resource.recorded_offset_seconds)))


def name_of(observation: ObservationReply) -> str | None:
    """What it is called: the label of its model or person, or else the scientific name."""
    return observation.label or observation.scientific_name
