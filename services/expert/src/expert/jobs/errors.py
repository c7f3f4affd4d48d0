"""Problems of AI jobs."""

from trapper_kit.problems import Conflict, Forbidden, Invalid, NotFound


class JobNotFound(NotFound):
    type = "job-not-found"
    title = "There is no such AI job, or this caller may not see it"


class JobClosed(Conflict):
    type = "job-closed"
    title = "The job has ended already"


class JobStillOpen(Conflict):
    type = "job-still-open"
    title = "The job has not ended yet"


class JobNotFinished(Conflict):
    type = "job-not-finished"
    title = "Stages after ingest follow the results of a job that has finished; this one has not"


class StageStillRuns(Conflict):
    type = "stage-still-runs"
    title = "The stage has not ended yet"


class NoDetectionProvider(Invalid):
    type = "no-detection-provider"
    title = "The project has no active detection model, so no AI job can be made"


class MediaGrantRefused(Forbidden):
    type = "media-grant-refused"
    title = "The media grant is unknown, or its job has ended"


class ResourceNotInJob(NotFound):
    type = "resource-not-in-job"
    title = "The job of this media grant does not have this resource"
