"""Changes of accounts that end sessions and tokens: new password, reset by an admin, deactivation."""

import secrets
from datetime import datetime
from uuid import UUID

from expert.access import queries
from expert.access.check_password import check_password, hash_password, refuse_weak_password
from expert.access.errors import PasswordWrong
from expert.access.models import User
from expert.access.sign_in import reserve_attempt
from expert.access.state import Caller
from expert.audit.note import note
from expert.audit.state import AuditAction
from expert.deps import ExpertWork
from trapper_kit.db import Session
from trapper_kit.problems import Conflict, NotFound
from trapper_kit.tokens import hash_token

_KIND = "user"
_BYTES_OF_A_NEW_PASSWORD = 15


async def change_password(work: ExpertWork, caller: Caller, *, current: str, new: str, address: str) -> None:
    """Sets the caller's password; ends other sessions and every token. Raises PasswordWrong, Invalid."""
    refuse_weak_password(new, email=caller.email, field="new_password")
    await reserve_attempt(work, account=hash_token(caller.email.lower()), address_hash=hash_token(address))
    async with work.db() as db:
        user = await db.get_one(User, caller.id)
    if not await check_password(current, user.password_hash):
        raise PasswordWrong("the current password is wrong")
    password_hash = await hash_password(new)
    async with work.db() as db:
        user = await db.get_one(User, caller.id, with_for_update=True)
        user.password_hash = password_hash
        await _end_credentials(db, caller.id, work.clock.now(), but_session=caller.session_id)
        note(db, "password-changed", actor_id=caller.id, subject_kind=_KIND, subject_id=caller.id)


async def reset_password(work: ExpertWork, user_id: UUID, *, by: UUID) -> tuple[User, str]:
    """Returns a new password, shown to the admin once; ends every session and token of the person."""
    password = secrets.token_urlsafe(_BYTES_OF_A_NEW_PASSWORD)
    password_hash = await hash_password(password)
    async with work.db() as db:
        user = await _lock(db, user_id)
        user.password_hash = password_hash
        await _end_credentials(db, user_id, work.clock.now())
        note(db, "password-reset", actor_id=by, subject_kind=_KIND, subject_id=user_id)
    return user, password


async def end_sessions(
    db: Session, caller: Caller, action: AuditAction, *, only: UUID | None = None, but: UUID | None = None
) -> int:
    """Ends sessions of the caller (one, all but one, or all) and returns their number."""
    ended = await queries.delete_sessions(db, caller.id, only=only, but=but)
    if ended:
        note(db, action, actor_id=caller.id, subject_kind=_KIND, subject_id=caller.id, sessions=ended)
    return ended


async def deactivate_user(db: Session, user_id: UUID, *, by: UUID, now: datetime) -> User:
    """Deactivates an account and ends every session and token at once; safe to repeat."""
    user = await _lock(db, user_id)
    if user_id == by:
        raise Conflict("an admin cannot deactivate their own account; another admin can")
    if user.is_active:
        user.is_active = False
        note(db, "deactivated", actor_id=by, subject_kind=_KIND, subject_id=user_id)
    await _end_credentials(db, user_id, now)
    await db.flush()
    return user


async def _lock(db: Session, user_id: UUID) -> User:
    user = await db.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("there is no such person")
    return user


async def _end_credentials(db: Session, user_id: UUID, now: datetime, *, but_session: UUID | None = None) -> None:
    await queries.delete_sessions(db, user_id, but=but_session)
    await queries.delete_sign_in_links(db, user_id)
    await queries.revoke_tokens_of(db, user_id, now)
