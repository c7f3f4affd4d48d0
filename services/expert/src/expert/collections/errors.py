"""Refusals about collections."""

from trapper_kit.problems import Problem


class CollectionNameTaken(Problem):
    type = "collection-name-taken"
    title = "There is already a collection with this name in the research project"
    status = 409
