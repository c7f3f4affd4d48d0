"""Refusals about classification projects."""

from trapper_kit.problems import Problem


class ClassificationProjectNameTaken(Problem):
    type = "classification-project-name-taken"
    title = "There is already a classification project with this name in the research project"
    status = 409


class LinkNotOpen(Problem):
    type = "link-not-open"
    title = "The owners of the collection have not opened this link, or have ended it"
    status = 409


class ProviderUnfit(Problem):
    type = "provider-unfit"
    title = "This model cannot be chosen for this purpose"
    status = 422
