"""Sign in and out, people, tokens, and the members of projects."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response, status

from expert.access import queries
from expert.access.check_password import hash_password
from expert.access.errors import EmailTaken, SignInRefused, TokenUnknown
from expert.access.guards import MayAdminister, MayAdministerSite, MayCreateProjects, MayRead, SignedIn
from expert.access.issue_token import issue_token
from expert.access.register import activate_user, register
from expert.access.require import require
from expert.access.schemas import (
    ClassificationMemberReply,
    ClassificationMembersReply,
    MakeToken,
    MeReply,
    NewTokenReply,
    Register,
    ResearchMemberReply,
    ResearchMembersReply,
    SessionReply,
    SetClassificationRole,
    SetResearchRole,
    SignIn,
    TokenReply,
    UserReply,
)
from expert.access.set_role import (
    remove_classification_member,
    remove_research_member,
    set_classification_role,
    set_research_role,
)
from expert.access.sign_in import cookie_name, csrf_token, sign_in
from expert.access.state import Capability
from expert.deps import Db, Now, Work
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Conflict, Forbidden, Invalid, NotFound, TooManyRequests
from trapper_kit.web.app import problems
from trapper_kit.web.guards import public
from trapper_kit.web.params import Cursor, Limit
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api", tags=["access"])


@router.post("/sessions/", status_code=status.HTTP_201_CREATED, responses=problems(SignInRefused, TooManyRequests))
@public
async def begin_session(ask: SignIn, request: Request, response: Response, work: Work) -> SessionReply:
    """Sign in with e-mail and password; the session is in the cookie, unsafe requests repeat the CSRF token."""
    address = request.client.host if request.client else ""
    signed = await sign_in(work, email=ask.email, password=ask.password.get_secret_value(), address=address)
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
    """Sign out."""
    if caller.session_id is None:
        raise Conflict("a token has no session; revoke the token instead")
    async with work.db() as db:
        await queries.delete_session(db, caller.session_id)
    name = cookie_name(work)
    response.delete_cookie(name, path="/", httponly=True, secure=name.startswith("__Host-"), samesite="lax")


@router.get("/me/")
async def read_me(caller: SignedIn, work: Work) -> MeReply:
    """Who is calling."""
    return MeReply(
        id=caller.id,
        email=caller.email,
        is_site_admin=caller.is_site_admin,
        scopes=sorted(caller.scopes) if caller.scopes is not None else None,
        csrf_token=csrf_token(work, caller.session_id) if caller.session_id else None,
    )


@router.post("/users/", status_code=status.HTTP_201_CREATED, responses=problems(EmailTaken))
@public
async def register_user(ask: Register, work: Work) -> UserReply:
    """Make an account; a site admin activates it."""
    password_hash = await hash_password(ask.password.get_secret_value())
    async with work.db() as db:
        user = await register(
            db,
            email=ask.email,
            name=ask.name,
            password_hash=password_hash,
            now=work.clock.now(),
            active=work.settings.self_activation,
        )
    return UserReply.model_validate(user, from_attributes=True)


@router.get("/users/")
async def list_users(
    _caller: MayAdministerSite, db: Db, limit: Limit = 50, cursor: Cursor = None, is_active: bool | None = None
) -> Page[UserReply]:
    """All people, oldest account first."""
    page_request = PageRequest.of(limit, cursor, {"is_active": is_active})
    rows, following = split(
        await queries.list_users(db, page_request, is_active=is_active), page_request, lambda row: [row.id]
    )
    return Page(items=[UserReply.model_validate(row, from_attributes=True) for row in rows], next_cursor=following)


@router.post("/users/{user_id}/activate/", responses=problems(NotFound))
async def activate(user_id: UUID, caller: MayAdministerSite, db: Db, now: Now) -> UserReply:
    """Let a person in."""
    user = await activate_user(db, user_id, by=caller.id, now=now)
    return UserReply.model_validate(user, from_attributes=True)


@router.post("/tokens/", status_code=status.HTTP_201_CREATED, responses=problems(Forbidden, Invalid))
async def make_token(ask: MakeToken, caller: SignedIn, db: Db, now: Now) -> NewTokenReply:
    """A token for scripts; the answer is the only place where it is shown."""
    row, secret = await issue_token(
        db,
        user_id=caller.id,
        name=ask.name,
        scopes=ask.scopes,
        lasts=timedelta(days=ask.expires_in_days),
        now=now,
        within=caller.scopes,
    )
    told = TokenReply.model_validate(row, from_attributes=True)
    return NewTokenReply(**told.model_dump(), token=secret)


@router.get("/tokens/")
async def list_tokens(caller: SignedIn, db: Db, limit: Limit = 50, cursor: Cursor = None) -> Page[TokenReply]:
    """One's own tokens that are not revoked."""
    page_request = PageRequest.of(limit, cursor, {})
    rows, following = split(await queries.list_tokens(db, caller.id, page_request), page_request, lambda row: [row.id])
    return Page(items=[TokenReply.model_validate(row, from_attributes=True) for row in rows], next_cursor=following)


@router.delete("/tokens/{token_id}/", status_code=status.HTTP_204_NO_CONTENT, responses=problems(TokenUnknown))
async def revoke_token(token_id: UUID, caller: SignedIn, db: Db, now: Now) -> None:
    """End a token at once."""
    if not await queries.revoke_token(db, caller.id, token_id, now):
        raise TokenUnknown("there is no such token of yours")


@router.get("/research-projects/{project_id}/members/", responses=problems(NotFound))
async def list_research_members(project_id: UUID, caller: MayRead, db: Db) -> ResearchMembersReply:
    """Who works in a research project."""
    await require(db, caller, Capability.READ, research_project=project_id)
    found = await queries.list_research_members(db, project_id)
    return ResearchMembersReply(
        items=[
            ResearchMemberReply(user_id=user.id, email=user.email, name=user.name, role=role) for user, role in found
        ]
    )


@router.put("/research-projects/{project_id}/members/", responses=problems(NotFound, Forbidden, Conflict, Invalid))
async def set_research_member(
    project_id: UUID, ask: SetResearchRole, caller: MayCreateProjects, db: Db
) -> ResearchMemberReply:
    """Give a person a role, or another one."""
    await require(db, caller, Capability.CREATE_PROJECTS, research_project=project_id)
    user, role = await set_research_role(db, caller, project_id, email=ask.email, role=ask.role)
    return ResearchMemberReply(user_id=user.id, email=user.email, name=user.name, role=role)


@router.delete(
    "/research-projects/{project_id}/members/{user_id}/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, Forbidden, Conflict),
)
async def drop_research_member(project_id: UUID, user_id: UUID, caller: MayCreateProjects, db: Db) -> None:
    """Take a person's role away; safe to repeat."""
    await require(db, caller, Capability.CREATE_PROJECTS, research_project=project_id)
    await remove_research_member(db, caller, project_id, user_id)


@router.get("/classification-projects/{project_id}/members/", responses=problems(NotFound))
async def list_classification_members(project_id: UUID, caller: MayRead, db: Db) -> ClassificationMembersReply:
    """Who works in a classification project, beside the owners and managers of its research project."""
    await require(db, caller, Capability.READ, classification_project=project_id)
    found = await queries.list_classification_members(db, project_id)
    return ClassificationMembersReply(
        items=[
            ClassificationMemberReply(user_id=user.id, email=user.email, name=user.name, role=role)
            for user, role in found
        ]
    )


@router.put("/classification-projects/{project_id}/members/", responses=problems(NotFound, Forbidden, Invalid))
async def set_classification_member(
    project_id: UUID, ask: SetClassificationRole, caller: MayAdminister, db: Db
) -> ClassificationMemberReply:
    """Give a person a role, or another one."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    user, role = await set_classification_role(db, caller, project_id, email=ask.email, role=ask.role)
    return ClassificationMemberReply(user_id=user.id, email=user.email, name=user.name, role=role)


@router.delete(
    "/classification-projects/{project_id}/members/{user_id}/",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(NotFound, Forbidden),
)
async def drop_classification_member(project_id: UUID, user_id: UUID, caller: MayAdminister, db: Db) -> None:
    """Take a person's role away; safe to repeat."""
    await require(db, caller, Capability.ADMINISTER, classification_project=project_id)
    await remove_classification_member(db, caller, project_id, user_id)
