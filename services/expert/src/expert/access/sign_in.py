"""An opaque session in a cookie, with its CSRF token; refused tries are remembered and limited."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from expert.access import queries
from expert.access.check_password import check_password
from expert.access.errors import SignInRefused
from expert.access.models import SignInFailure, User, UserSession
from expert.deps import ExpertWork
from trapper_kit.problems import TooManyRequests
from trapper_kit.tokens import derive, hash_token, new_token, sign
from trapper_schemas.ids import uuid7


@dataclass(frozen=True)
class SignedIn:
    """What a browser gets: the cookie's value, and the token that unsafe requests repeat."""

    user: User
    cookie: str
    csrf: str
    lasts_seconds: int


def csrf_token(work: ExpertWork, session_id: UUID) -> str:
    """Derived from the session, so that nothing more is stored."""
    return sign(derive(work.settings.secret_key.get_secret_value(), "csrf"), str(session_id))


def cookie_name(work: ExpertWork) -> str:
    """`__Host-` wherever the service is reached over HTTPS; browsers refuse it on plain loopback HTTP."""
    return "__Host-trapper_session" if work.settings.public_url.startswith("https://") else "trapper_session"


async def sign_in(work: ExpertWork, *, email: str, password: str, address: str) -> SignedIn:
    """A fresh session; raises SignInRefused, or TooManyRequests while too many tries failed."""
    account = hash_token(email.lower())
    await _refuse_a_flood(work, account, address)
    async with work.db() as db:
        user = await queries.user_by_email(db, email)
    fits = await check_password(password, user.password_hash if user else None)
    if user is None or not fits or not user.is_active:
        async with work.db() as db:  # committed, because the refusal itself must be remembered
            db.add(SignInFailure(account=account, address=address))
        raise SignInRefused("e-mail and password do not fit, or the account is not active")
    return await _begin(work, user)


async def _refuse_a_flood(work: ExpertWork, account: str, address: str) -> None:
    window = timedelta(seconds=work.settings.intervals.sign_in_window)
    async with work.db() as db:
        of_account, of_address = await queries.count_failures(db, account=account, address=address, window=window)
    settings = work.settings
    if of_account >= settings.sign_in_failures or of_address >= settings.sign_in_failures_per_address:
        raise TooManyRequests("too many refused sign-ins; try again later", retry_after=window.total_seconds())


async def _begin(work: ExpertWork, user: User) -> SignedIn:
    cookie = new_token("session")
    lasts = work.settings.intervals.session_end
    session = UserSession(
        id=uuid7(),
        user_id=user.id,
        token_hash=hash_token(cookie),
        expires_at=work.clock.now() + timedelta(seconds=lasts),
    )
    async with work.db() as db:
        db.add(session)
    return SignedIn(user, cookie, csrf_token(work, session.id), int(lasts))
