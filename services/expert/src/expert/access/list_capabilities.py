"""Lists what a caller's roles and token allow on many projects at once."""

from collections.abc import Sequence
from uuid import UUID

from expert.access import queries
from expert.access.state import (
    Caller,
    Capability,
    capabilities_in_classification_project,
    capabilities_in_research_project,
    in_scope,
)
from trapper_kit.db import Session


async def list_research_capabilities(
    db: Session, caller: Caller, project_ids: Sequence[UUID]
) -> dict[UUID, list[Capability]]:
    """Returns the capabilities on each research project in which the caller has a role."""
    roles = await queries.research_roles(db, caller.id, project_ids)
    return {id_: _in_scope(caller, capabilities_in_research_project(role)) for id_, role in roles.items()}


async def list_classification_capabilities(
    db: Session, caller: Caller, project_ids: Sequence[UUID]
) -> dict[UUID, list[Capability]]:
    """Returns the capabilities on each of these classification projects."""
    roles = await queries.classification_roles(db, caller.id, project_ids)
    return {id_: _in_scope(caller, capabilities_in_classification_project(*pair)) for id_, pair in roles.items()}


def _in_scope(caller: Caller, capabilities: frozenset[Capability]) -> list[Capability]:
    return sorted(capability for capability in capabilities if in_scope(caller.scopes, capability))
