"""Why a worker has no credential."""

from trapper_kit.problems import Problem


class NotEnrolled(Problem):
    type = "not-enrolled"
    title = "This worker has no credential yet; enrol it with `trapper-worker enrol`"
    status = 409


class CredentialDamaged(Problem):
    type = "credential-damaged"
    title = "The file with the worker's credential cannot be read; remove it and enrol again"
    status = 409
