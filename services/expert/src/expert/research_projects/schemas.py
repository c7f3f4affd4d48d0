"""Bodies of research projects."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from expert.access.state import Capability
from expert.research_projects.state import CaptureMethod, ResearchProjectStatus, SamplingDesign
from trapper_kit.text import Name, Text
from trapper_schemas.base import Change, Reply, Request, RowVersion


class NewResearchProject(Request):
    name: Name = Field(max_length=200)
    acronym: Name = Field(max_length=10)
    abstract: Text = Field(default="", max_length=10_000)
    keywords: list[Name] = Field(default=[], max_length=100)
    sampling_design: SamplingDesign | None = None
    capture_method: CaptureMethod | None = None
    individual_animals: bool = False


class ResearchProjectChange(Change):
    """Only what is given changes."""

    name: Name = Field(default="", max_length=200)
    acronym: Name = Field(default="", max_length=10)
    abstract: Text = Field(default="", max_length=10_000)
    keywords: list[Name] = Field(default=[], max_length=100)
    sampling_design: SamplingDesign | None = None
    capture_method: CaptureMethod | None = None
    individual_animals: bool = False


class ResearchProjectReply(Reply):
    id: UUID
    name: str
    acronym: str
    abstract: str
    keywords: list[str]
    sampling_design: SamplingDesign | None
    capture_method: CaptureMethod | None
    individual_animals: bool
    owner_id: UUID
    status: ResearchProjectStatus
    created_at: datetime
    activated_at: datetime | None
    version: RowVersion
    capabilities: list[Capability] = Field(description="what the caller's role and token allow on the project")
