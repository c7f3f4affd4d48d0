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


class NoDetectionProvider(Invalid):
    type = "no-detection-provider"
    title = "The project has no active detection provider, so no AI can be asked"


class MediaGrantRefused(Forbidden):
    type = "media-grant-refused"
    title = "The media grant is not one of ours, or its job is over"


class ResourceNotInJob(NotFound):
    type = "resource-not-in-job"
    title = "The job of this media grant does not hold this resource"
