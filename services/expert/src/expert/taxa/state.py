"""The ranks of taxa, from the highest to the lowest."""

from enum import StrEnum


class TaxonRank(StrEnum):
    """The ranks that a taxon can have."""

    KINGDOM = "kingdom"
    PHYLUM = "phylum"
    CLASS = "class"
    ORDER = "order"
    FAMILY = "family"
    SUBFAMILY = "subfamily"
    TRIBE = "tribe"
    GENUS = "genus"
    SPECIES = "species"
    SUBSPECIES = "subspecies"
    OTHER = "other"


RANKS = tuple(rank for rank in TaxonRank if rank is not TaxonRank.OTHER)
"""From the highest to the lowest."""
_ORDER = [rank.value for rank in RANKS]


def rank_of(rank: str | None) -> TaxonRank | None:
    """Returns the rank that a model or checklist names; `other` for an unknown rank."""
    return None if rank is None else TaxonRank(rank) if rank in _ORDER else TaxonRank.OTHER


def is_below(rank: TaxonRank, parent_rank: str | None) -> bool:
    """Whether a taxon of this rank may have a parent of that one; any fits where one is not known."""
    if rank is TaxonRank.OTHER or parent_rank not in _ORDER:
        return True
    return _ORDER.index(parent_rank) < _ORDER.index(rank)
