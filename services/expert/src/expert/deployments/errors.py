"""Refusals about deployments."""

from trapper_kit.problems import Problem


class DeploymentIdTaken(Problem):
    type = "deployment-id-taken"
    title = "There is already a deployment with this deployment id in the research project"
    status = 409


class LocationElsewhere(Problem):
    type = "location-elsewhere"
    title = "The location is of another research project"
    status = 422
