"""Refusals about research projects."""

from trapper_kit.problems import Problem


class ProjectNameTaken(Problem):
    type = "project-name-taken"
    title = "There is already a project with this name or acronym"
    status = 409


class ProjectNotActive(Problem):
    type = "project-not-active"
    title = "A site admin has not activated this research project"
    status = 409
