"""Refusals about occurrences and identifications."""

from trapper_kit.problems import Problem


class IdentificationRefused(Problem):
    type = "identification-refused"
    title = "The occurrence cannot be identified like this"
    status = 422


class IdentificationEnded(Problem):
    type = "identification-ended"
    title = "The identification does not stand any more, so there is nothing to withdraw"
    status = 409
