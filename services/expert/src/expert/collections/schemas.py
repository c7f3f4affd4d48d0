"""Bodies of collections."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from expert.resources.state import Visibility
from trapper_kit.text import CleanText
from trapper_schemas.base import Reply, Request


class MakeCollection(Request):
    research_project_id: UUID
    name: CleanText = Field(min_length=1, max_length=300)
    description: CleanText = Field(default="", max_length=10_000)
    visibility: Visibility = Visibility.PRIVATE


class ChangeCollection(Request):
    """Only what is given changes."""

    name: CleanText = Field(default="", min_length=1, max_length=300)
    description: CleanText = Field(default="", max_length=10_000)
    visibility: Visibility = Visibility.PRIVATE


class CollectionReply(Reply):
    id: UUID
    research_project_id: UUID
    name: str
    description: str
    visibility: Visibility
    created_at: datetime


class CollectionCounts(Reply):
    """Distinct resources by what is known about them; `paths` counts the same bytes once per path."""

    resources: int
    stored: int
    described: int
    unreadable: int
    paths: int


class PathReply(Reply):
    """One path under which a resource lies in the collection."""

    id: UUID
    resource_id: UUID
    file_name: str
    path: str
