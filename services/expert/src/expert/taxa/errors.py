"""Refusals about taxa."""

from trapper_kit.problems import Conflict


class TaxonExists(Conflict):
    type = "taxon-exists"
    title = "There is already a taxon with this scientific name"
