"""Bodies of taxa."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from expert.taxa.state import TaxonRank
from trapper_kit.text import Line, Name
from trapper_schemas.base import Reply, Request

Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class NewTaxon(Request):
    """A taxon that no checklist brought; the leader of the named project adds it for all projects."""

    classification_project_id: UUID
    scientific_name: Line = Field(min_length=2, max_length=200)
    rank: TaxonRank
    parent_id: UUID | None = None
    vernacular_names: dict[Language, Name] = Field(default_factory=dict, max_length=50)


class TaxonKeyReply(Reply):
    checklist: str
    key: str


class TaxonReply(Reply):
    id: UUID
    scientific_name: str
    canonical_name: str
    rank: TaxonRank | None
    parent_id: UUID | None
    accepted_id: UUID | None = Field(
        description="the accepted taxon that it is a synonym of; null for an accepted taxon"
    )
    vernacular_names: dict[str, str] = Field(description="by language code")
    provisional: bool = Field(description="added by a person or a model, and in no checklist yet")
    keys: list[TaxonKeyReply]
