"""The ranks of taxa, from the highest to the lowest."""

from enum import StrEnum


class TaxonRank(StrEnum):
    """Ranks that people give to a taxon that they add; imported taxa may have others."""

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


_ORDER = [rank.value for rank in TaxonRank]


def is_below(rank: TaxonRank, parent_rank: str | None) -> bool:
    """Whether a taxon of this rank may have a parent of that one; a parent without a known rank may be any."""
    return parent_rank not in _ORDER or _ORDER.index(parent_rank) < _ORDER.index(rank)
