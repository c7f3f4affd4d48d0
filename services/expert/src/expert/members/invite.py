"""Invites a person into a project by e-mail; the reply does not show whether an account has that e-mail."""

from uuid import UUID

from expert.access import queries as access
from expert.access.models import Invitation
from expert.access.state import Caller, ClassificationRole, ResearchRole
from expert.audit.note import note
from expert.audit.state import AuditAction
from expert.members import queries
from expert.members.set_role import set_classification_role, set_research_role
from trapper_kit.db import Session
from trapper_kit.problems import NotFound
from trapper_schemas.ids import uuid7


async def invite_to_research_project(
    db: Session, caller: Caller, project_id: UUID, *, email: str, role: ResearchRole
) -> UUID | None:
    """Returns the member whose role was changed at once, or None when an invitation was stored."""
    member = await queries.research_member_by_email(db, project_id, email)
    await set_research_role(db, caller, project_id, member, role)
    if member is None:
        await _keep(db, caller, email, role, research_project_id=project_id)
    return member


async def invite_to_classification_project(
    db: Session, caller: Caller, project_id: UUID, *, email: str, role: ClassificationRole
) -> UUID | None:
    """Returns the member whose role was changed at once, or None when an invitation was stored."""
    member = await queries.classification_member_by_email(db, project_id, email)
    if member is None:
        await _keep(db, caller, email, role, classification_project_id=project_id)
    else:
        await set_classification_role(db, caller, project_id, member, role)
    return member


async def accept_invitation(db: Session, caller: Caller, invitation_id: UUID) -> Invitation:
    """Makes the caller a member with the offered role; raises NotFound for another person's invitation."""
    invitation = await _take(db, caller, invitation_id)
    if invitation.research_project_id is not None:
        await access.set_research_role(db, invitation.research_project_id, caller.id, ResearchRole(invitation.role))
    elif invitation.classification_project_id is not None:
        role = ClassificationRole(invitation.role)
        await queries.set_classification_role(db, invitation.classification_project_id, caller.id, role)
    _note(db, caller, "invitation-accepted", invitation)
    return invitation


async def decline_invitation(db: Session, caller: Caller, invitation_id: UUID) -> None:
    """Deletes an invitation of the caller."""
    _note(db, caller, "invitation-declined", await _take(db, caller, invitation_id))


async def withdraw_invitation(db: Session, caller: Caller, invitation_id: UUID, **project: UUID) -> None:
    """Deletes an invitation into a project; safe to repeat."""
    invitation = await queries.withdraw_invitation(db, invitation_id, **project)
    if invitation is not None:
        _note(db, caller, "invitation-withdrawn", invitation)


def _note(db: Session, caller: Caller, action: AuditAction, invitation: Invitation) -> None:
    note(
        db,
        action,
        actor_id=caller.id,
        subject_kind="research_project" if invitation.research_project_id else "classification_project",
        subject_id=invitation.research_project_id or invitation.classification_project_id,
        role=invitation.role,
        invited_by=str(invitation.invited_by_id),
    )


async def _take(db: Session, caller: Caller, invitation_id: UUID) -> Invitation:
    invitation = await queries.delete_invitation(db, invitation_id, caller.email)
    if invitation is None:
        raise NotFound("there is no such invitation of yours")
    return invitation


async def _keep(db: Session, caller: Caller, email: str, role: str, **project: UUID) -> None:
    values = {"id": uuid7(), "email": email, "role": role, "invited_by_id": caller.id, **project}
    await queries.keep_invitation(db, values)
    (kind, project_id) = next(iter(project.items()))
    note(db, "invited", actor_id=caller.id, subject_kind=kind.removesuffix("_id"), subject_id=project_id, role=role)
