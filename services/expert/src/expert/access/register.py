"""Makes an account, inactive until a site admin activates it unless the instance allows otherwise."""

from datetime import datetime
from uuid import UUID

from expert.access.errors import EmailTaken
from expert.access.make_once import keep
from expert.access.models import User
from expert.audit.note import note
from trapper_kit.db import Session
from trapper_kit.problems import NotFound
from trapper_schemas.ids import uuid7


async def register(
    db: Session,
    *,
    email: str,
    name: str,
    password_hash: str,
    now: datetime,
    active: bool,
    site_admin: bool = False,
) -> User:
    """Returns the new person; raises EmailTaken."""
    user = User(
        id=uuid7(),
        email=email,
        name=name,
        password_hash=password_hash,
        is_active=active,
        is_site_admin=site_admin,
        activated_at=now if active else None,
    )
    await keep(db, user, taken={"users_email_key": EmailTaken(f"there is already an account for {email}")})
    return user


async def activate_user(db: Session, user_id: UUID, *, by: UUID, now: datetime) -> User:
    """Activates an account; safe to repeat."""
    user = await db.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("there is no such person")
    if not user.is_active:
        user.is_active = True
        user.activated_at = now
        note(db, "activated", actor_id=by, subject_kind="user", subject_id=user.id)
        await db.flush()
    return user
