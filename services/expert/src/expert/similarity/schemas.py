"""Replies of the search for similar objects."""

from uuid import UUID

from pydantic import Field

from expert.observations.state import ObservationReply
from trapper_schemas.base import Reply


class SimilarObservation(Reply):
    """An object with its distance to the given one."""

    distance: float = Field(description="cosine distance of the features, from 0 (the same direction) to 2 (opposite)")
    observation: ObservationReply


class SimilarObservations(Reply):
    """The most similar objects first; there are no further pages."""

    items: list[SimilarObservation]
    next_cursor: None = None
    algorithm_id: UUID = Field(description="the algorithm whose features were compared")
    is_exact: bool = Field(description="whether every object was compared; else an index finds most of the nearest")
