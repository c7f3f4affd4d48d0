"""Problems that the queue raises."""

from trapper_kit.problems import Problem


class LeaseLost(Problem):
    type = "lease-lost"
    title = "This lease has ended; discard the work"
    status = 409


class BatchNotFound(Problem):
    type = "batch-not-found"
    title = "There is no such batch"
    status = 404


class RuntimeNotYours(Problem):
    type = "runtime-not-yours"
    title = "This worker was not enrolled for that runtime"
    status = 403


class JobCancelled(Problem):
    type = "job-cancelled"
    title = "The job was cancelled; discard the work"
    status = 410
