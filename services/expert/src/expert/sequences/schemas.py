"""Bodies of sequences."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from trapper_schemas.base import Reply, Request


class SequenceReply(Reply):
    """Resources of one deployment whose gaps are at most the interval; its id is the eventID of Camtrap DP."""

    id: UUID
    classification_project_id: UUID
    linked_collection_id: UUID
    deployment_id: UUID
    is_time_lapse: bool = Field(description="time-lapse resources are chained apart from those of activity")
    first_at: datetime
    last_at: datetime
    resource_count: int = Field(description="from 1")
    external_id: str | None = Field(description="of the system that it was imported from")


class SequenceMemberReply(Reply):
    """A resource in its sequence."""

    resource_id: UUID
    sequence_id: UUID
    captured_at: datetime


class SequenceDetail(SequenceReply):
    """A sequence with its first 200 resources, in order; `…/resources/` lists them all."""

    resources: list[SequenceMemberReply]


class SequenceCounts(Reply):
    """The sequences of a linked collection as they are now."""

    sequences: int = Field(description="from 0")
    resources: int = Field(description="resources in a sequence, from 0; those without time or deployment are in none")
    pending: int = Field(description="resources that have changed and are not chained yet, from 0")
    is_built: bool = Field(description="false until they are built, and while they are built with another interval")


class Neighbours(Reply):
    """Resources of the same deployment and method around one, in order of time."""

    before: list[SequenceMemberReply]
    resource: SequenceMemberReply
    after: list[SequenceMemberReply]


class SequenceRebuild(Request):
    """Build the sequences of a linked collection anew, with another interval when one is given."""

    linked_collection_id: UUID
    sequence_interval_seconds: int | None = Field(default=None, ge=1, le=31_536_000)


class StartedRebuild(Reply):
    """The operation that builds the sequences."""

    operation_id: UUID


class SequenceSplit(Request):
    """Where the later part begins."""

    resource_id: UUID


class SequenceMerge(Request):
    """Sequences of one deployment; what lies between them becomes part of the merged one."""

    sequence_ids: list[UUID] = Field(min_length=2, max_length=100)


class SplitParts(Reply):
    """Both parts, the earlier one first, which keeps its id."""

    items: list[SequenceReply]
