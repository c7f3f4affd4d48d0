"""Sign in and out, people, tokens, and the audit log."""

from contextlib import suppress
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, status

from expert.access import queries
from expert.access.check_password import hash_password, refuse_weak_password
from expert.access.errors import EmailTaken, PasswordWrong, SignInRefused, TokenUnknown
from expert.access.guards import MayAdministerSite, MayManageTokens, SignedIn
from expert.access.issue_token import issue_token
from expert.access.manage_account import change_password, deactivate_user, end_sessions, reset_password
from expert.access.register import activate_user, register
from expert.access.schemas import (
    AuditEntryReply,
    CallerReply,
    EndedSessions,
    NewPasswordReply,
    NewToken,
    NewTokenReply,
    PasswordChange,
    Registration,
    RegistrationReply,
    SessionItem,
    SessionReply,
    SignIn,
    SignInByLink,
    TokenReply,
    UserReply,
)
from expert.access.sign_in import (
    REGISTRATION,
    cookie_name,
    csrf_token,
    reserve_attempt,
    sign_in,
    sign_in_by_link,
)
from expert.access.sign_in import (
    SignedIn as SignedInSession,
)
from expert.audit import queries as audit
from expert.audit.note import note
from expert.audit.state import AuditAction
from expert.deps import Db, ExpertWork, Now, Work
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


def _session_reply(response: Response, work: ExpertWork, signed: SignedInSession) -> SessionReply:
    """The reply to signing in; sets the cookie of the session."""
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


@router.post("/sessions/", status_code=status.HTTP_201_CREATED, responses=problems(SignInRefused, TooManyRequests))
@public
async def begin_session(ask: SignIn, request: Request, response: Response, work: Work) -> SessionReply:
    """Sign in with e-mail and password; the session is in the cookie, unsafe requests repeat the CSRF token."""
    password = ask.password.get_secret_value()
    signed = await sign_in(work, email=ask.email, password=password, address=_address(request))
    return _session_reply(response, work, signed)


@router.post("/sessions/by-link/", status_code=status.HTTP_201_CREATED, responses=problems(SignInRefused))
@public
async def begin_session_by_link(ask: SignInByLink, request: Request, response: Response, work: Work) -> SessionReply:
    """Sign in with a link that the machine of the Expert showed; it works once, and there only."""
    signed = await sign_in_by_link(work, token=ask.token.get_secret_value(), address=_address(request))
    return _session_reply(response, work, signed)


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
