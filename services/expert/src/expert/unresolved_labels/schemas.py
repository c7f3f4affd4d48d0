"""Bodies of labels without a taxon, and of their matching."""

from uuid import UUID

from pydantic import Field

from expert.algorithms.state import AlgorithmSummary
from expert.unresolved_labels.state import UnresolvedReason
from trapper_schemas.base import Reply, Request


class CandidateTaxon(Reply):
    """A taxon that a label may mean."""

    id: UUID
    scientific_name: str


class UnresolvedLabelReply(Reply):
    """A label that should name a taxon, and names none that is known."""

    algorithm: AlgorithmSummary = Field(description="the model that has the label")
    index: int = Field(description="position in the output, from 0")
    label: str
    scientific_name: str | None
    reason: UnresolvedReason = Field(
        description="`matches_now`: matching gives it its taxon; `vernacular`: only vernacular names are equal"
    )
    candidates: list[CandidateTaxon] = Field(description="taxa that it may mean; at most 5")


class NewMatching(Request):
    """In which project observations follow; labels are matched for all."""

    classification_project_id: UUID = Field(description="a project that the caller leads")
    dry_run: bool = Field(default=False, description="only count")
