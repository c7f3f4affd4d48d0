"""Why a label of a model has no taxon."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class UnresolvedReason(StrEnum):
    """`matches_now`: a matching of labels gives it its taxon; `vernacular`: only a vernacular name is equal."""

    MATCHES_NOW = "matches_now"
    VERNACULAR = "vernacular"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class LabelMatch:
    """The taxon that a label of a category map names now."""

    category_map_id: UUID
    index: int
    taxon_id: UUID
