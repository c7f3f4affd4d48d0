"""Problems that enrolment raises."""

from trapper_kit.problems import Problem


class EnrolmentRefused(Problem):
    type = "enrolment-refused"
    title = "The enrolment token is unknown, used up or expired"
    status = 401


class RuntimeNotAllowed(Problem):
    type = "runtime-not-allowed"
    title = "The enrolment token is not for this runtime"
    status = 403


class WorkerNotFound(Problem):
    type = "worker-not-found"
    title = "There is no such worker"
    status = 404
