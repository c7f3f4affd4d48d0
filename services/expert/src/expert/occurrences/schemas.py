"""Bodies of occurrences and identifications."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import Field, model_validator

from expert.observations.state import ObservationReply, ObservationType, ProvenanceStep
from expert.occurrences.state import DeterminationSource
from trapper_kit.text import Name
from trapper_schemas.base import Reply, Request
from trapper_schemas.problem import ProblemBody


class DeterminedTaxon(Reply):
    """A taxon by its id and name."""

    id: UUID
    scientific_name: str


class DeterminationReply(Reply):
    """The taxon that an occurrence carries, and where it comes from."""

    taxon: DeterminedTaxon | None = Field(description="null when the approved observation names no taxon")
    score: float | None = Field(
        description="from 0 to 1, of the prediction or approved observation; null for a person's"
    )
    source: DeterminationSource = Field(
        description="the first of identification, approval and prediction that there is"
    )


class OccurrenceReply(Reply):
    """One individual that was seen: where, when, how often, and what it is determined as."""

    id: UUID
    classification_project_id: UUID
    linked_collection_id: UUID | None
    deployment_id: UUID | None
    sequence_id: UUID | None = Field(description="null while its resource is in no sequence")
    observation_type: ObservationType
    determination: DeterminationReply | None = Field(description="null when nothing names a taxon")
    is_identified: bool = Field(description="whether an identification of a person stands")
    is_unmatched: bool = Field(description="identified, and the newest AI run saw nothing there")
    first_at: datetime | None = Field(description="first appearance; null without a time")
    last_at: datetime | None = Field(description="last appearance; null without a time")
    duration_seconds: float | None = Field(
        description="seconds from the first to the last appearance, from 0; null without times"
    )
    resource_count: int = Field(description="resources with one of its observations, from 1")
    observation_count: int = Field(description="current AI and approved observations, from 1")
    best_observation_id: UUID = Field(description="the observation that its model was most sure of")
    best_resource_id: UUID = Field(description="the resource of that observation, as a picture of the occurrence")


class IdentificationReply(Reply):
    """What a person identified an occurrence as."""

    id: UUID
    occurrence_id: UUID
    created_by: UUID
    person: str | None = Field(description="name of the person")
    taxon_id: UUID
    scientific_name: str
    prediction_id: UUID | None = Field(description="the prediction that the person agreed with")
    agreed_with_id: UUID | None = Field(description="the identification that the person agreed with")
    comment: str | None
    created_at: datetime
    is_standing: bool = Field(description="false once it was withdrawn or replaced")
    withdrawn_at: datetime | None


class OccurrenceDetail(OccurrenceReply):
    """An occurrence with every identification, and its first 200 observations with the predictions behind them."""

    identifications: list[IdentificationReply] = Field(description="oldest first, also those that ended")
    observations: list[ObservationReply] = Field(description="in order of time, also superseded ones and copies")
    chain: list[ProvenanceStep] = Field(
        description="what the determination comes from, each after the step that it was made from; "
        "of an identification what the person agreed with, empty when that is nothing"
    )


class IdentificationItem(Request):
    """An occurrence, and either its taxon, or a prediction or another person's identification to agree with."""

    occurrence_id: UUID
    taxon_id: UUID | None = None
    prediction_id: UUID | None = None
    agreed_with_id: UUID | None = None
    comment: Name | None = Field(default=None, max_length=2000)

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        given = [each for each in (self.taxon_id, self.prediction_id, self.agreed_with_id) if each is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of taxon_id, prediction_id and agreed_with_id")
        return self


class NewIdentifications(Request):
    """Identifications of different occurrences."""

    items: list[IdentificationItem] = Field(min_length=1, max_length=500)


class IdentificationResult(Reply):
    """The identification that stands now, or why it was refused; the others were kept."""

    occurrence_id: UUID
    identification_id: UUID | None
    problem: ProblemBody | None


class IdentificationResults(Reply):
    """What became of each, in the order of the request."""

    items: list[IdentificationResult]


class WithdrawnIdentifications(Request):
    """Own identifications to withdraw; those that they replaced stand again."""

    identification_ids: list[UUID] = Field(min_length=1, max_length=500)


class WithdrawalResult(Reply):
    """An identification that was withdrawn, or why it was not."""

    identification_id: UUID
    problem: ProblemBody | None


class WithdrawalResults(Reply):
    """What became of each, in the order of the request."""

    items: list[WithdrawalResult]


class RecomputedOccurrences(Request):
    """Occurrences whose determination is computed again."""

    occurrence_ids: list[UUID] = Field(min_length=1, max_length=500)


class RecomputedResult(Reply):
    """Whether the determination was another one, or why it was not computed."""

    occurrence_id: UUID
    changed: bool
    problem: ProblemBody | None


class RecomputedResults(Reply):
    """What became of each, in the order of the request."""

    items: list[RecomputedResult]
