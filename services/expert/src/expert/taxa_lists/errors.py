"""Refusals about taxa lists."""

from trapper_kit.problems import Conflict, Invalid


class TaxaListNameTaken(Conflict):
    type = "taxa-list-name-taken"
    title = "There is already a taxa list of this name in the project, or among the global ones"


class RowsNotMatched(Invalid):
    type = "rows-not-matched"
    title = "Some rows name no taxon that is known, or several; nothing was added"
