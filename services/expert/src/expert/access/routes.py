"""Sign in and out, people, tokens, and the members of projects."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status

from expert.access import queries
from expert.access.check_password import hash_password, refuse_weak_password
from expert.access.errors import EmailTaken, PasswordWrong, SignInRefused, TokenUnknown
from expert.access.guards import MayAdminister, MayAdministerSite, MayCreateProjects, MayManageTokens, MayRead, SignedIn
from expert.access.invite import (
    accept_invitation,
    decline_invitation,
    invite_to_classification_project,
    invite_to_research_project,
    withdraw_invitation,
)
from expert.access.issue_token import issue_token
from expert.access.manage_account import change_password, deactivate_user, end_sessions, reset_password
from expert.access.register import activate_user, register
from expert.access.require import require
from expert.access.schemas import (
    AuditEntryReply,
    CallerReply,
    CapabilitiesReply,
    ClassificationMemberReply,
    ClassificationMembersReply,
    EndedSessions,
    InvitationReply,
    MembershipReply,
    NewClassificationMember,
    NewPasswordReply,
    NewResearchMember,
    NewToken,
    NewTokenReply,
    PasswordChange,
    Registration,
    RegistrationReply,
    ResearchMemberReply,
    ResearchMembersReply,
    SessionItem,
    SessionReply,
    SignIn,
    TokenReply,
    UserReply,
)
from expert.access.set_role import remove_classification_member, remove_research_member
from expert.access.sign_in import REGISTRATION, cookie_name, csrf_token, reserve_attempt, sign_in
from expert.access.state import (
    Capability,
    ClassificationRole,
    ResearchRole,
    capabilities_in_classification_project,
    capabilities_in_research_project,
    in_scope,
)
from expert.audit import queries as audit
from expert.audit.note import note
from expert.audit.state import AuditAction
from expert.deps import Db, Now, Work
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Conflict, Forbidden, NotFound, TooManyRequests
from trapper_kit.tokens import hash_token
from trapper_kit.web.describe import problems
from trapper_kit.web.guards import public
from trapper_kit.web.params import Cursor, Ids, Limit, Name
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api", tags=["access"])


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


@router.post("/sessions/", status_code=status.HTTP_201_CREATED, responses=problems(SignInRefused, TooManyRequests))
@public
async def begin_session(ask: SignIn, request: Request, response: Response, work: Work) -> SessionReply:
    """Sign in with e-mail and password; the session is in the cookie, unsafe requests repeat the CSRF token."""
    password = ask.password.get_secret_value()
    signed = await sign_in(work, email=ask.email, password=password, address=_address(request))
    name = cookie_name(work)
    response.set_cookie(
        name,
        signed.cookie,
        max_age=signed.lasts_seconds,
        path="/",
        httponly=True,
        secure=name.startswith("__Host-"),
        samesite="lax",
    )
    user = UserReply.model_validate(signed.user, from_attributes=True)
    return SessionReply(user=user, csrf_token=signed.csrf, expires_in_seconds=signed.lasts_seconds)


@router.delete("/sessions/current/", status_code=status.HTTP_204_NO_CONTENT, responses=problems(Conflict))
async def end_session(caller: SignedIn, response: Response, work: Work) -> None:
    """Sign out: end the current session."""
    if caller.session_id is None:
        raise Conflict("a token has no session; revoke the token instead")
    async with work.db() as db:
        await end_sessions(db, caller, "signed-out", only=caller.session_id)
    name = cookie_name(work)
    response.delete_cookie(name, path="/", httponly=True, secure=name.startswith("__Host-"), samesite="lax")


@router.get("/sessions/")
async def list_sessions(
    caller: MayManageTokens,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
) -> Page[SessionItem]:
    """List the caller's sessions."""
    page_request = PageRequest.of(limit, cursor, {"id": id})
    rows = await queries.list_sessions(db, caller.id, page_request, ids=id)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(
        items=[
            SessionItem(
                id=row.id,
                created_at=row.created_at,
                used_at=row.used_at,
                expires_at=row.expires_at,
                is_current=row.id == caller.session_id,
            )
            for row in items
        ],
        next_cursor=following,
    )


@router.delete("/sessions/{session_id}/", responses=problems(NotFound))
async def end_one_session(session_id: UUID, caller: MayManageTokens, db: Db) -> EndedSessions:
    """End one session of the caller."""
    ended = await end_sessions(db, caller, "sessions-ended", only=session_id)
    if not ended:
        raise NotFound("there is no such session of yours")
    return EndedSessions(ended=ended)


@router.delete("/sessions/")
async def end_other_sessions(caller: MayManageTokens, db: Db) -> EndedSessions:
    """End every other session of the caller."""
    return EndedSessions(ended=await end_sessions(db, caller, "sessions-ended", but=caller.session_id))


@router.post(
    "/me/password/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(PasswordWrong, TooManyRequests),
)
async def change_own_password(ask: PasswordChange, request: Request, caller: MayManageTokens, work: Work) -> None:
    """Change one's own password; ends one's other sessions and every token of one's own."""
    await change_password(
        work,
        caller,
        current=ask.current_password.get_secret_value(),
        new=ask.new_password.get_secret_value(),
        address=_address(request),
    )


@router.get("/me/")
async def read_me(caller: SignedIn, work: Work) -> CallerReply:
    """Read who is calling."""
    return CallerReply(
        id=caller.id,
        email=caller.email,
        is_site_admin=caller.is_site_admin,
        scopes=sorted(caller.scopes) if caller.scopes is not None else None,
        csrf_token=csrf_token(work, caller.session_id) if caller.session_id else None,
    )


@router.post("/users/", status_code=status.HTTP_202_ACCEPTED, responses=problems(TooManyRequests))
@public
async def register_user(ask: Registration, request: Request, work: Work) -> RegistrationReply:
    """Ask for an account; a site admin activates it. The reply does not tell whether the e-mail has one already."""
    password = ask.password.get_secret_value()
    refuse_weak_password(password, email=ask.email)
    await reserve_attempt(work, account=REGISTRATION, address_hash=hash_token(_address(request)))
    password_hash = await hash_password(password)
    with suppress(EmailTaken):
        async with work.db() as db:
            await register(
                db,
                email=ask.email,
                name=ask.name,
                password_hash=password_hash,
                now=work.clock.now(),
                active=work.settings.self_activation,
            )
    return RegistrationReply(message="the account can be used once it is active; an existing one stays as it is")


@router.get("/users/")
async def list_users(
    _caller: MayAdministerSite,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    name: Name = None,
    email: Annotated[Name, Query(description="a part of the e-mail address, in any letter case")] = None,
    is_active: bool | None = None,
) -> Page[UserReply]:
    """List all people, oldest account first."""
    page_request = PageRequest.of(limit, cursor, {"id": id, "name": name, "email": email, "is_active": is_active})
    users = await queries.list_users(db, page_request, ids=id, name=name, email=email, is_active=is_active)
    rows, following = split(users, page_request, lambda row: [row.id])
    return Page(items=[UserReply.model_validate(row, from_attributes=True) for row in rows], next_cursor=following)


@router.post("/users/{user_id}/activate/", responses=problems(NotFound))
async def activate(user_id: UUID, caller: MayAdministerSite, db: Db, now: Now) -> UserReply:
    """Activate a person's account."""
    user = await activate_user(db, user_id, by=caller.id, now=now)
    return UserReply.model_validate(user, from_attributes=True)


@router.post("/users/{user_id}/deactivate/", responses=problems(NotFound, Conflict))
async def deactivate(user_id: UUID, caller: MayAdministerSite, db: Db, now: Now) -> UserReply:
    """Deactivate a person's account; ends their sessions and tokens at once."""
    user = await deactivate_user(db, user_id, by=caller.id, now=now)
    return UserReply.model_validate(user, from_attributes=True)


@router.post("/users/{user_id}/reset_password/", responses=problems(NotFound))
async def reset(user_id: UUID, caller: MayAdministerSite, work: Work) -> NewPasswordReply:
    """Reset a person's password; ends their sessions and tokens."""
    user, password = await reset_password(work, user_id, by=caller.id)
    return NewPasswordReply(user_id=user.id, password=password)


@router.get("/audit/")
async def list_audit(
    _caller: MayAdministerSite,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    action: AuditAction | None = None,
    actor_id: UUID | None = None,
    subject_kind: Annotated[str | None, Query(max_length=64)] = None,
    subject_id: UUID | None = None,
) -> Page[AuditEntryReply]:
    """List who did what, newest first."""
    filters = {"action": action, "actor_id": actor_id, "subject_kind": subject_kind, "subject_id": subject_id}
    page_request = PageRequest.of(limit, cursor, {"id": id, **filters})
    rows = await audit.list_entries(
        db, page_request, ids=id, action=action, actor_id=actor_id, subject_kind=subject_kind, subject_id=subject_id
    )
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(
        items=[AuditEntryReply.model_validate(row, from_attributes=True) for row in items], next_cursor=following
    )


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


@router.post("/tokens/", status_code=status.HTTP_201_CREATED, responses=problems(Forbidden))
async def make_token(ask: NewToken, caller: MayManageTokens, db: Db, now: Now) -> NewTokenReply:
    """Create a token for scripts; the answer is the only place where it is shown."""
    row, secret = await issue_token(
        db,
        user_id=caller.id,
        name=ask.name,
        scopes=ask.scopes,
        lasts=timedelta(days=ask.expires_in_days),
        now=now,
        parent_id=caller.token_id,
    )
    reply = TokenReply.model_validate(row, from_attributes=True)
    return NewTokenReply(**reply.model_dump(), token=secret)


@router.get("/tokens/")
async def list_tokens(
    caller: MayManageTokens,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    name: Name = None,
) -> Page[TokenReply]:
    """List the caller's tokens that are not revoked."""
    page_request = PageRequest.of(limit, cursor, {"id": id, "name": name})
    rows, following = split(
        await queries.list_tokens(db, caller.id, page_request, ids=id, name=name), page_request, lambda row: [row.id]
    )
    return Page(items=[TokenReply.model_validate(row, from_attributes=True) for row in rows], next_cursor=following)


@router.delete("/tokens/{token_id}/", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TokenUnknown))
async def revoke_token(token_id: UUID, caller: MayManageTokens, db: Db, now: Now) -> None:
    """Revoke a token, and every token that was made with it."""
    if not await queries.revoke_token(db, caller.id, token_id, now):
        raise TokenUnknown("there is no such token of yours")
    note(db, "token-revoked", actor_id=caller.id, subject_kind="token", subject_id=token_id)


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
    carried = capabilities_in_research_project(await queries.research_role(db, caller.id, project_id))
    return CapabilitiesReply(items=sorted(capability for capability in carried if in_scope(caller.scopes, capability)))


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
    carried = capabilities_in_classification_project(*await queries.classification_roles(db, caller.id, project_id))
    return CapabilitiesReply(items=sorted(capability for capability in carried if in_scope(caller.scopes, capability)))


@router.delete(
    "/classification-projects/{project_id}/members/{user_id}/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, Forbidden),
)
async def drop_classification_member(project_id: UUID, user_id: UUID, caller: MayAdminister, db: Db) -> None:
    """Remove a member from a classification project; safe to repeat."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    await remove_classification_member(db, caller, project_id, user_id)
