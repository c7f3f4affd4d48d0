"""Capabilities by role, as data."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Capability(StrEnum):
    """What a caller may do; guards, token scopes and the table below use these names."""

    READ = "read"
    UPLOAD = "upload"
    DESCRIBE = "describe"
    GIVE_FEEDBACK = "give_feedback"
    ANNOTATE = "annotate"
    APPROVE = "approve"
    RUN_AI = "run_ai"
    ADMINISTER = "administer"
    CREATE_PROJECTS = "create_projects"
    SEE_ORIGINALS = "see_originals"
    PUBLISH = "publish"
    MANAGE_TOKENS = "tokens"
    ADMINISTER_SITE = "administer_site"


class ResearchRole(StrEnum):
    """A role in a research project."""

    OWNER = "owner"
    MANAGER = "manager"
    MEMBER = "member"


class ClassificationRole(StrEnum):
    """A role in a classification project."""

    ADMIN = "admin"
    EXPERT = "expert"
    ANNOTATOR = "annotator"
    VIEWER = "viewer"


_MEMBER = frozenset({Capability.READ, Capability.UPLOAD, Capability.DESCRIBE})
_MANAGER = _MEMBER | {Capability.CREATE_PROJECTS, Capability.SEE_ORIGINALS, Capability.PUBLISH}
_VIEWER = frozenset({Capability.READ, Capability.GIVE_FEEDBACK})
_ANNOTATOR = _VIEWER | {Capability.ANNOTATE}
_EXPERT = _ANNOTATOR | {Capability.APPROVE}

IN_RESEARCH_PROJECT: dict[ResearchRole, frozenset[Capability]] = {
    ResearchRole.MEMBER: _MEMBER,
    ResearchRole.MANAGER: _MANAGER,
    ResearchRole.OWNER: _MANAGER,
}
IN_CLASSIFICATION_PROJECT: dict[ClassificationRole, frozenset[Capability]] = {
    ClassificationRole.VIEWER: _VIEWER,
    ClassificationRole.ANNOTATOR: _ANNOTATOR,
    ClassificationRole.EXPERT: _EXPERT,
    ClassificationRole.ADMIN: _EXPERT | {Capability.RUN_AI, Capability.ADMINISTER},
}
COUNTS_AS_ADMIN = frozenset({ResearchRole.OWNER, ResearchRole.MANAGER})
"""Of every classification project of the research project."""

EVERYTHING = "*"
"""The scope of a token that may do all that its person may."""


def may_in_research_project(role: ResearchRole | None, capability: Capability) -> bool:
    """Returns whether this role has the capability."""
    return capability in capabilities_in_research_project(role)


def may_in_classification_project(
    role: ClassificationRole | None, research_role: ResearchRole | None, capability: Capability
) -> bool:
    """Returns whether one of the two roles of a caller has the capability."""
    return capability in capabilities_in_classification_project(role, research_role)


def capabilities_in_research_project(role: ResearchRole | None) -> frozenset[Capability]:
    """Returns the capabilities of a role in a research project."""
    return frozenset() if role is None else IN_RESEARCH_PROJECT[role]


def capabilities_in_classification_project(
    role: ClassificationRole | None, research_role: ResearchRole | None
) -> frozenset[Capability]:
    """Returns the capabilities of a caller's two roles in a classification project."""
    acting = ClassificationRole.ADMIN if research_role in COUNTS_AS_ADMIN else role
    return frozenset() if acting is None else IN_CLASSIFICATION_PROJECT[acting]


def in_scope(scopes: frozenset[str] | None, capability: Capability) -> bool:
    """Returns whether a token's scopes allow it; a session has no scopes and may do all that its person may."""
    return scopes is None or EVERYTHING in scopes or capability.value in scopes


MAX_WAIT_SECONDS = 3600.0


def back_off_seconds(failures: int, *, limit: int, first_seconds: float) -> float:
    """Seconds after a failure until an address may try an account again; doubled by each failure above the limit."""
    if failures < limit:
        return 0
    return min(first_seconds * 2.0 ** min(failures - limit, 32), MAX_WAIT_SECONDS)


@dataclass(frozen=True)
class Caller:
    """The calling person, by a session or a token with scopes."""

    id: UUID
    email: str
    is_site_admin: bool
    scopes: frozenset[str] | None = None
    session_id: UUID | None = None
    token_id: UUID | None = None
