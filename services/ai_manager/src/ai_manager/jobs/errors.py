"""Problems that submitting raises."""

from trapper_kit.problems import Problem


class JobNotFound(Problem):
    type = "job-not-found"
    title = "There is no such AI job, or this caller may not see it"
    status = 404


class JobSealed(Problem):
    type = "job-sealed"
    title = "The job is sealed and takes no more pages"
    status = 409


class PageOutOfTurn(Problem):
    type = "page-out-of-turn"
    title = "The pages of a job are sent in order"
    status = 409


class NoCommonRuntime(Problem):
    type = "no-common-runtime"
    title = "No runtime can run all models of this job"
    status = 422
