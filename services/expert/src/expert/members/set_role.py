"""Gives or takes a role in a project, with an entry in the audit log."""

from uuid import UUID

from expert.access import queries as access
from expert.access.state import Caller, ClassificationRole, ResearchRole
from expert.audit.note import note
from expert.members import queries
from trapper_kit.db import Session
from trapper_kit.problems import Conflict, Forbidden

_RESEARCH = "research_project"
_CLASSIFICATION = "classification_project"


async def set_research_role(
    db: Session, caller: Caller, project_id: UUID, user_id: UUID | None, role: ResearchRole
) -> None:
    """Sets a role; owners are changed by owners only, and one stays. Without a user it only checks the right."""
    mine = await access.research_role(db, caller.id, project_id)
    former = None if user_id is None else await access.research_role(db, user_id, project_id)
    await _keep_owners(db, project_id, mine=mine, former=former, role=role)
    if user_id is not None:
        await access.set_research_role(db, project_id, user_id, role)
        _note(db, caller, user_id, role, kind=_RESEARCH, project_id=project_id)


async def remove_research_member(db: Session, caller: Caller, project_id: UUID, user_id: UUID) -> None:
    """Removes a member; safe to repeat."""
    mine = await access.research_role(db, caller.id, project_id)
    former = await access.research_role(db, user_id, project_id)
    await _keep_owners(db, project_id, mine=mine, former=former, role=None)
    await queries.remove_research_member(db, project_id, user_id)
    note(db, "role-removed", actor_id=caller.id, subject_kind=_RESEARCH, subject_id=project_id, user=str(user_id))


async def set_classification_role(
    db: Session, caller: Caller, project_id: UUID, user_id: UUID, role: ClassificationRole
) -> None:
    """Sets another role of a member."""
    await queries.set_classification_role(db, project_id, user_id, role)
    _note(db, caller, user_id, role, kind=_CLASSIFICATION, project_id=project_id)


async def remove_classification_member(db: Session, caller: Caller, project_id: UUID, user_id: UUID) -> None:
    """Removes a member; safe to repeat."""
    await queries.remove_classification_member(db, project_id, user_id)
    note(db, "role-removed", actor_id=caller.id, subject_kind=_CLASSIFICATION, subject_id=project_id, user=str(user_id))


async def _keep_owners(
    db: Session, project_id: UUID, *, mine: ResearchRole | None, former: ResearchRole | None, role: ResearchRole | None
) -> None:
    owner = ResearchRole.OWNER
    if owner in (former, role) and mine is not owner:
        raise Forbidden("only an owner can give or take away the role owner")
    if former is owner and role is not owner:
        members = await queries.list_research_members(db, project_id)
        if sum(1 for _, held in members if held is owner) == 1:
            raise Conflict("a project needs at least one owner")


def _note(db: Session, caller: Caller, user_id: UUID, role: str, *, kind: str, project_id: UUID) -> None:
    note(db, "role-changed", actor_id=caller.id, subject_kind=kind, subject_id=project_id, user=str(user_id), role=role)
