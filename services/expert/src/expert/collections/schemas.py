"""Bodies of collections."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from expert.resources.state import ResourceState, Visibility
from trapper_kit.text import Name, Text
from trapper_schemas.base import Change, Reply, Request, RowVersion
from trapper_schemas.v1.results import FailureCode


class NewCollection(Request):
    research_project_id: UUID
    name: Name = Field(max_length=300)
    description: Text = Field(default="", max_length=10_000)
    visibility: Visibility = Visibility.PRIVATE


class CollectionChange(Change):
    """Only what is given changes."""

    name: Name = Field(default="", max_length=300)
    description: Text = Field(default="", max_length=10_000)
    visibility: Visibility = Visibility.PRIVATE
    is_active: bool = True


class CollectionReply(Reply):
    id: UUID
    research_project_id: UUID
    name: str
    description: str
    visibility: Visibility
    is_active: bool
    created_at: datetime
    version: RowVersion


class CollectionCounts(Reply):
    """Distinct resources that are not archived, by what is known about them; the same bytes count once per path.

    `stored` are not read yet, `unreadable` cannot be read, `damaged` are described and partly lost; `time_issues` have
    an ambiguous or impossible time; `outside_deployment` were taken outside of their deployment's period;
    `elsewhere_paths` were uploaded for another deployment than the one that has the resource.
    """

    resources: int
    stored: int
    described: int
    unreadable: int
    damaged: int
    without_time: int
    time_issues: int
    outside_deployment: int
    archived: int
    paths: int
    unreadable_paths: int
    elsewhere_paths: int


class PathReply(Reply):
    """A path under which a resource lies in the collection, and the deployment for which it was uploaded.

    `resource_deployment_id` is where the resource is; the same bytes at two deployments are one resource, at the first.
    """

    id: UUID
    resource_id: UUID
    file_name: str
    path: str
    deployment_id: UUID | None
    resource_deployment_id: UUID | None
    state: ResourceState
    failure_code: FailureCode | None
    failure_message: str | None
