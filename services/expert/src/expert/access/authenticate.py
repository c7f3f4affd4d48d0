"""Authenticates a caller from a bearer token or a session cookie, never from both."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from expert.access import queries
from expert.access.errors import CsrfMissing, TwoCredentials
from expert.access.models import AccessToken, UserSession
from expert.access.sign_in import csrf_token
from expert.access.state import Caller
from expert.deps import ExpertWork
from trapper_kit.problems import Unauthenticated
from trapper_kit.tokens import hash_token, same

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_TOUCH_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Credentials:
    """The credentials of a request."""

    method: str
    authorization: str | None
    cookie: str | None
    csrf: str | None


async def authenticate(work: ExpertWork, brought: Credentials) -> Caller:
    """Returns the caller; raises Unauthenticated, TwoCredentials or CsrfMissing."""
    if brought.authorization and brought.cookie:
        raise TwoCredentials("send the cookie or the Authorization header, not both")
    if brought.authorization:
        scheme, _, token = brought.authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated("the Authorization header must be `Bearer <token>`")
        return await _by_token(work, token.strip())
    if brought.cookie:
        caller = await _by_session(work, brought.cookie)
        if brought.method not in _SAFE_METHODS:
            _check_csrf(work, caller, brought.csrf)
        return caller
    raise Unauthenticated("send a bearer token or sign in")


async def _by_token(work: ExpertWork, token: str) -> Caller:
    async with work.db() as db:
        pair = await queries.caller_by_token(db, hash_token(token))
        if pair is None:
            raise Unauthenticated("this token is unknown, expired or revoked")
        user, row = pair
        if _stale(row.used_at, work.clock.now()):
            await queries.touch(db, AccessToken, row.id, work.clock.now())
    return Caller(user.id, user.email, user.is_site_admin, scopes=frozenset(row.scopes), token_id=row.id)


async def _by_session(work: ExpertWork, cookie: str) -> Caller:
    idle = timedelta(seconds=work.settings.intervals.session_idle)
    async with work.db() as db:
        pair = await queries.caller_by_session(db, hash_token(cookie), idle=idle)
        if pair is None:
            raise Unauthenticated("this session has ended; sign in again")
        user, row = pair
        if _stale(row.used_at, work.clock.now()):
            await queries.touch(db, UserSession, row.id, work.clock.now())
    return Caller(user.id, user.email, user.is_site_admin, session_id=row.id)


def _stale(used_at: datetime | None, now: datetime) -> bool:
    return used_at is None or now - used_at > _TOUCH_EVERY


def _check_csrf(work: ExpertWork, caller: Caller, given: str | None) -> None:
    if caller.session_id is None or not same(given or "", csrf_token(work, caller.session_id)):
        raise CsrfMissing("send the X-CSRF-Token that the sign-in answered")
