"""Checks whether a caller may do something in a project; a project one may not read is not found."""

from uuid import UUID

from expert.access import queries
from expert.access.state import (
    Caller,
    Capability,
    in_scope,
    may_in_classification_project,
    may_in_research_project,
)
from trapper_kit.db import Session
from trapper_kit.problems import Forbidden, NotFound, Problem


async def require(
    db: Session,
    caller: Caller,
    capability: Capability,
    *,
    research_project: UUID | None = None,
    classification_project: UUID | None = None,
    missing: Problem | None = None,
) -> None:
    """Raises NotFound for a project that the caller may not read, Forbidden where role or scopes do not carry it.

    A caller may read what it may change, also with a token without the scope `read`.
    `missing` replaces NotFound: what a route answers for an absent row it must answer for a foreign one, too.
    """
    if classification_project is not None:
        roles = await queries.classification_roles(db, caller.id, [classification_project])
        role, above = roles.get(classification_project, (None, None))
        may_read = may_in_classification_project(role, above, Capability.READ)
        may = may_in_classification_project(role, above, capability)
    elif research_project is not None:
        role = await queries.research_role(db, caller.id, research_project)
        may_read = may_in_research_project(role, Capability.READ)
        may = may_in_research_project(role, capability)
    else:
        raise ValueError("one of the two projects must be named")
    if not may_read:
        raise missing or NotFound("there is no such project, or none that you may see")
    if not may:
        raise Forbidden(f"your role in this project does not include {capability.value}")
    if capability is not Capability.READ and not in_scope(caller.scopes, capability):
        raise Forbidden(f"this token's scopes do not include {capability.value}")
