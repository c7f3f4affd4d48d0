"""Bodies of uploads."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from trapper_kit.text import FileText
from trapper_schemas.base import Reply, Request
from trapper_schemas.problem import ProblemBody
from trapper_schemas.v1.resources import SHA256


class AnnouncedFile(Request):
    """A file that will be sent; name and path are kept as they are, and never used as a path here."""

    name: FileText = Field(min_length=1, max_length=1000)
    path: FileText = Field(default="", max_length=4000)
    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=SHA256)
    deployment_id: UUID | None = None


class NewUploads(Request):
    research_project_id: UUID
    collection_id: UUID
    items: list[AnnouncedFile] = Field(min_length=1, max_length=1000)


class UploadReply(Reply):
    """`exists`: these bytes are there already, and now also under this path; `upload`: send them.

    Of bytes that are there, `resource_path` and `resource_deployment_id` say where they were uploaded first. When that
    is another deployment than the one announced, the photo lies at two places and counts at the first; change the
    resource's `deployment_id` to move it.
    """

    sha256: str
    status: Literal["upload", "exists"]
    upload_id: UUID | None
    resource_id: UUID | None
    resource_deployment_id: UUID | None
    resource_path: str | None


class UploadReplies(Reply):
    """Files in the order of the request; the numbers are of what changed because a deployment became known."""

    items: list[UploadReply]
    resources_changed: int
    observations_changed: int


class UploadedResource(Reply):
    resource_id: UUID


class PackedFileReply(Reply):
    """A file of a pack: its resource, or why it was refused; the others were kept."""

    upload_id: UUID
    resource_id: UUID | None
    problem: ProblemBody | None


class PackReply(Reply):
    """What became of each file, in the order of the pack."""

    items: list[PackedFileReply]
