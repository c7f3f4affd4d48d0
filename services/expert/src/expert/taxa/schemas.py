"""Bodies of taxa."""

from typing import Any
from uuid import UUID

from trapper_schemas.base import Reply


class TaxonKeyReply(Reply):
    checklist: str
    key: str


class TaxonReply(Reply):
    id: UUID
    scientific_name: str
    canonical_name: str
    rank: str | None
    parent_id: UUID | None
    vernacular_names: dict[str, Any]
    keys: list[TaxonKeyReply]
