"""Signs in: an opaque session cookie with a CSRF token; attempts are reserved before the password is hashed.

A link signs in without a password: once, within minutes, from the machine that the Expert runs on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from math import ceil
from uuid import UUID

from expert.access import queries
from expert.access.check_password import check_password
from expert.access.errors import SignInRefused
from expert.access.models import SignInLink, User, UserSession
from expert.access.state import back_off_seconds
from expert.audit.note import note
from expert.deps import ExpertWork
from trapper_kit.db import Session
from trapper_kit.problems import TooManyRequests
from trapper_kit.tokens import derive, hash_token, new_token, sign
from trapper_schemas.ids import uuid7

REGISTRATION = "registration"
"""In place of an account, in attempts to register."""
LINK_LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class SignedIn:
    """The cookie's value, and the CSRF token that unsafe requests repeat."""

    user: User
    cookie: str
    csrf: str
    lasts_seconds: int


def csrf_token(work: ExpertWork, session_id: UUID) -> str:
    """Returns the CSRF token, derived from the session."""
    return sign(derive(work.settings.secret_key.get_secret_value(), "csrf"), str(session_id))


def cookie_name(work: ExpertWork) -> str:
    """Returns the cookie's name, `__Host-` over HTTPS; browsers refuse that over plain HTTP."""
    return "__Host-trapper_session" if work.settings.public_url.startswith("https://") else "trapper_session"


async def sign_in(work: ExpertWork, *, email: str, password: str, address: str) -> SignedIn:
    """Returns a new session; raises SignInRefused, or TooManyRequests after too many failures."""
    address_hash = hash_token(address)
    await reserve_attempt(work, account=hash_token(email.lower()), address_hash=address_hash, email=email)
    async with work.db() as db:
        user = await queries.user_by_email(db, email)
    fits = await check_password(password, user.password_hash if user else None)
    if user is None or not fits or not user.is_active:
        async with work.db() as db:  # also without a user: the time must not tell whether there is one
            note(db, "sign-in-refused", actor_id=None, subject_kind="user", subject_id=user.id if user else None)
        raise SignInRefused("e-mail or password is wrong, or the account is not active")
    return await _begin(work, user, address_hash)


async def make_link(db: Session, *, user_id: UUID, now: datetime) -> str:
    """Returns the address, below that of the Expert, that signs this person in once."""
    token = new_token("link")
    db.add(SignInLink(id=uuid7(), user_id=user_id, token_hash=hash_token(token), expires_at=now + LINK_LASTS))
    await db.flush()
    return f"/sign-in#link={token}"  # the part after # is not sent, so it gets into no log


async def sign_in_by_link(work: ExpertWork, *, token: str, address: str) -> SignedIn:
    """Returns a new session; raises SignInRefused when the link was used, has expired, or comes from elsewhere."""
    if not _is_loopback(address):
        raise SignInRefused("a sign-in link works only on the machine that made it; sign in with the password")
    async with work.db() as db:
        user = await queries.use_sign_in_link(db, hash_token(token))
    if user is None or not user.is_active:
        raise SignInRefused("this link was used or has expired; sign in with the password, or make another link")
    return await _begin(work, user, hash_token(address))


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


async def reserve_attempt(work: ExpertWork, *, account: str, address_hash: str, email: str | None = None) -> None:
    """Count an attempt before its cost is paid; committed, so that attempts at the same moment count each other.

    The limits: of this account from this address, with a back-off that doubles from then on; of this address; and of
    this account from all addresses, which does not hold back an address from which the account signed in before, so
    that nobody can lock another out. Raises TooManyRequests.
    """
    settings = work.settings
    window = timedelta(seconds=settings.intervals.sign_in_window)
    async with work.db() as db:
        await queries.lock_attempts(db, account, address_hash)
        counts = await queries.count_attempts(db, account=account, address=address_hash, window=window)
        known = email is not None and await queries.signed_in_from(db, email, address_hash)
        back_off = back_off_seconds(
            counts.of_both_in_a_day, limit=settings.sign_in_failures, first_seconds=window.total_seconds()
        )
        wait = back_off - float(counts.seconds_since or 0)
        if account != REGISTRATION and wait > 0:
            raise TooManyRequests("too many attempts; try again later", retry_after=ceil(wait))
        if (
            (account == REGISTRATION and counts.of_both >= settings.sign_in_failures)
            or counts.of_address >= settings.sign_in_failures_per_address
            or (account != REGISTRATION and not known and counts.of_account >= settings.sign_in_failures_per_account)
        ):
            raise TooManyRequests("too many attempts; try again later", retry_after=window.total_seconds())
        await queries.insert_attempt(db, account=account, address=address_hash)


async def _begin(work: ExpertWork, user: User, address_hash: str) -> SignedIn:
    cookie = new_token("session")
    lasts = work.settings.intervals.session_end
    session = UserSession(
        id=uuid7(),
        user_id=user.id,
        token_hash=hash_token(cookie),
        expires_at=work.clock.now() + timedelta(seconds=lasts),
        address_hash=address_hash,
    )
    async with work.db() as db:
        db.add(session)
        await queries.delete_attempts(db, account=hash_token(user.email.lower()), address=address_hash)
        note(db, "signed-in", actor_id=user.id, subject_kind="user", subject_id=user.id)
    return SignedIn(user, cookie, csrf_token(work, session.id), int(lasts))
