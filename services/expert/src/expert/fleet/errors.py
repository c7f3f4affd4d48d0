"""Refusals about the fleet."""

from trapper_kit.problems import Problem


class WorkerNotInstructed(Problem):
    type = "worker-not-instructed"
    title = "The Manager did not pass the order on"
    status = 409
