"""Problems that submitting raises."""

from trapper_kit.problems import Problem


class JobNotFound(Problem):
    type = "job-not-found"
    title = "There is no such AI job, or this caller may not see it"
    status = 404


class JobSealed(Problem):
    type = "job-sealed"
    title = "The job is sealed: its last page came already"
    status = 409


class PageOutOfTurn(Problem):
    type = "page-out-of-turn"
    title = "Another page of this job is expected"
    status = 409


class NoCommonRuntime(Problem):
    type = "no-common-runtime"
    title = "No runtime can run all models of this job"
    status = 422
