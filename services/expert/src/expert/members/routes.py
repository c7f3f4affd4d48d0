"""Members of projects, invitations, and what a member may do."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, status

from expert.access.guards import MayAdminister, MayCreateProjects, MayManageTokens, MayRead
from expert.access.list_capabilities import list_classification_capabilities, list_research_capabilities
from expert.access.require import require
from expert.access.state import (
    Capability,
    ClassificationRole,
    ResearchRole,
)
from expert.deps import Db
from expert.members import queries
from expert.members.invite import (
    accept_invitation,
    decline_invitation,
    invite_to_classification_project,
    invite_to_research_project,
    withdraw_invitation,
)
from expert.members.schemas import (
    CapabilitiesReply,
    ClassificationMemberReply,
    ClassificationMembersReply,
    InvitationReply,
    MembershipReply,
    NewClassificationMember,
    NewResearchMember,
    ResearchMemberReply,
    ResearchMembersReply,
)
from expert.members.set_role import remove_classification_member, remove_research_member
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Conflict, Forbidden, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, Ids, Limit
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api", tags=["access"])


@router.get("/invitations/")
async def list_invitations(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
) -> Page[InvitationReply]:
    """List the roles that were offered to the caller."""
    page_request = PageRequest.of(limit, cursor, {"id": id})
    return await _invitations(db, page_request, ids=id, email=caller.email)


@router.post(
    "/invitations/{invitation_id}/accept/", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotFound)
)
async def accept(invitation_id: UUID, caller: MayManageTokens, db: Db) -> None:
    """Accept a role that was offered."""
    await accept_invitation(db, caller, invitation_id)


@router.delete("/invitations/{invitation_id}/", status_code=status.HTTP_204_NO_CONTENT, responses=problems(NotFound))
async def decline(invitation_id: UUID, caller: MayManageTokens, db: Db) -> None:
    """Decline a role that was offered."""
    await decline_invitation(db, caller, invitation_id)


async def _invitations(
    db: Session, page_request: PageRequest, *, ids: Sequence[UUID] | None, **where: Any
) -> Page[InvitationReply]:
    rows = await queries.list_invitations(db, page_request, ids=ids, **where)
    items, following = split(rows, page_request, lambda row: [row.id])
    research = {row.research_project_id for row in items if row.research_project_id}
    names = await queries.project_names(
        db, research, {row.classification_project_id for row in items if row.classification_project_id}
    )
    return Page(
        items=[
            InvitationReply(
                id=row.id,
                email=row.email,
                research_project_id=row.research_project_id,
                classification_project_id=row.classification_project_id,
                project_name=names.get(row.research_project_id or row.classification_project_id or row.id, ""),
                role=ResearchRole(row.role) if row.research_project_id else ClassificationRole(row.role),
                created_at=row.created_at,
            )
            for row in items
        ],
        next_cursor=following,
    )


@router.get("/research-projects/{project_id}/members/", responses=problems(NotFound))
async def list_research_members(project_id: UUID, caller: MayRead, db: Db) -> ResearchMembersReply:
    """List the members of a research project."""
    await require(db, caller, Capability.READ, research_project=project_id)
    members = await queries.list_research_members(db, project_id)
    return ResearchMembersReply(
        items=[
            ResearchMemberReply(user_id=user.id, email=user.email, name=user.name, role=role) for user, role in members
        ]
    )


@router.put("/research-projects/{project_id}/members/", responses=problems(NotFound, Forbidden, Conflict))
async def set_research_member(
    project_id: UUID, ask: NewResearchMember, caller: MayCreateProjects, db: Db
) -> MembershipReply:
    """Set the role of a member of a research project, or invite somebody by e-mail."""
    await require(db, caller, Capability.CREATE_PROJECTS, research_project=project_id)
    member = await invite_to_research_project(db, caller, project_id, email=ask.email, role=ask.role)
    return MembershipReply(email=ask.email, role=ask.role, state="member" if member else "invited")


@router.get("/research-projects/{project_id}/invitations/", responses=problems(NotFound, Forbidden))
async def list_research_invitations(
    project_id: UUID,
    caller: MayCreateProjects,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
) -> Page[InvitationReply]:
    """List who was invited to a research project and has not answered."""
    await require(db, caller, Capability.CREATE_PROJECTS, research_project=project_id)
    page_request = PageRequest.of(limit, cursor, {"project": project_id, "id": id})
    return await _invitations(db, page_request, ids=id, research_project_id=project_id)


@router.delete(
    "/research-projects/{project_id}/invitations/{invitation_id}/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, Forbidden),
)
async def withdraw_research_invitation(
    project_id: UUID, invitation_id: UUID, caller: MayCreateProjects, db: Db
) -> None:
    """Withdraw an invitation to a research project; safe to repeat."""
    await require(db, caller, Capability.CREATE_PROJECTS, research_project=project_id)
    await withdraw_invitation(db, caller, invitation_id, research_project_id=project_id)


@router.get("/research-projects/{project_id}/capabilities/", responses=problems(NotFound))
async def read_research_capabilities(project_id: UUID, caller: MayRead, db: Db) -> CapabilitiesReply:
    """List what the caller may do in a research project."""
    await require(db, caller, Capability.READ, research_project=project_id)
    allowed = await list_research_capabilities(db, caller, [project_id])
    return CapabilitiesReply(items=allowed.get(project_id, []))


@router.delete(
    "/research-projects/{project_id}/members/{user_id}/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, Forbidden, Conflict),
)
async def drop_research_member(project_id: UUID, user_id: UUID, caller: MayCreateProjects, db: Db) -> None:
    """Remove a member from a research project; safe to repeat."""
    await require(db, caller, Capability.CREATE_PROJECTS, research_project=project_id)
    await remove_research_member(db, caller, project_id, user_id)


@router.get("/classification-projects/{project_id}/members/", responses=problems(NotFound))
async def list_classification_members(project_id: UUID, caller: MayRead, db: Db) -> ClassificationMembersReply:
    """List the members of a classification project, without those of its research project."""
    await require(db, caller, Capability.READ, classification_project=project_id)
    members = await queries.list_classification_members(db, project_id)
    return ClassificationMembersReply(
        items=[
            ClassificationMemberReply(user_id=user.id, email=user.email, name=user.name, role=role)
            for user, role in members
        ]
    )


@router.put("/classification-projects/{project_id}/members/", responses=problems(NotFound, Forbidden))
async def set_classification_member(
    project_id: UUID, ask: NewClassificationMember, caller: MayAdminister, db: Db
) -> MembershipReply:
    """Set the role of a member of a classification project, or invite somebody by e-mail."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    member = await invite_to_classification_project(db, caller, project_id, email=ask.email, role=ask.role)
    return MembershipReply(email=ask.email, role=ask.role, state="member" if member else "invited")


@router.get("/classification-projects/{project_id}/invitations/", responses=problems(NotFound, Forbidden))
async def list_classification_invitations(
    project_id: UUID,
    caller: MayAdminister,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
) -> Page[InvitationReply]:
    """List who was invited to a classification project and has not answered."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    page_request = PageRequest.of(limit, cursor, {"project": project_id, "id": id})
    return await _invitations(db, page_request, ids=id, classification_project_id=project_id)


@router.delete(
    "/classification-projects/{project_id}/invitations/{invitation_id}/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, Forbidden),
)
async def withdraw_classification_invitation(
    project_id: UUID, invitation_id: UUID, caller: MayAdminister, db: Db
) -> None:
    """Withdraw an invitation to a classification project; safe to repeat."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    await withdraw_invitation(db, caller, invitation_id, classification_project_id=project_id)


@router.get("/classification-projects/{project_id}/capabilities/", responses=problems(NotFound))
async def read_classification_capabilities(project_id: UUID, caller: MayRead, db: Db) -> CapabilitiesReply:
    """List what the caller may do in a classification project."""
    await require(db, caller, Capability.READ, classification_project=project_id)
    allowed = await list_classification_capabilities(db, caller, [project_id])
    return CapabilitiesReply(items=allowed.get(project_id, []))


@router.delete(
    "/classification-projects/{project_id}/members/{user_id}/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, Forbidden),
)
async def drop_classification_member(project_id: UUID, user_id: UUID, caller: MayAdminister, db: Db) -> None:
    """Remove a member from a classification project; safe to repeat."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    await remove_classification_member(db, caller, project_id, user_id)
