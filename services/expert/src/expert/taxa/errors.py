"""Refusals about taxa."""

from trapper_kit.problems import Conflict, Problem


class TaxonExists(Conflict):
    type = "taxon-exists"
    title = "There is already a taxon with this scientific name"


class ChecklistUnreadable(Problem):
    type = "checklist-unreadable"
    title = "The file is no table of taxa"
    status = 422
