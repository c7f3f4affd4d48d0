"""Bodies of members and invitations."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from expert.access.state import Capability, ClassificationRole, ResearchRole
from trapper_kit.text import Line
from trapper_schemas.base import Reply, Request


class CapabilitiesReply(Reply):
    """What the caller's role and token allow on one project."""

    items: list[Capability]


class InvitationReply(Reply):
    """A role in one of the two kinds of project, offered and not yet accepted."""

    id: UUID
    email: str
    research_project_id: UUID | None
    classification_project_id: UUID | None
    project_name: str
    role: ResearchRole | ClassificationRole
    created_at: datetime


class NewResearchMember(Request):
    email: Line = Field(max_length=254)
    role: ResearchRole


class NewClassificationMember(Request):
    email: Line = Field(max_length=254)
    role: ClassificationRole


class MembershipReply(Reply):
    """A member whose role was changed, or an invitation, which is the same for an e-mail that nobody here has."""

    email: str
    role: ResearchRole | ClassificationRole
    state: Literal["member", "invited"]


class ResearchMemberReply(Reply):
    user_id: UUID
    email: str
    name: str
    role: ResearchRole


class ClassificationMemberReply(Reply):
    user_id: UUID
    email: str
    name: str
    role: ClassificationRole


class ResearchMembersReply(Reply):
    items: list[ResearchMemberReply]


class ClassificationMembersReply(Reply):
    items: list[ClassificationMemberReply]
