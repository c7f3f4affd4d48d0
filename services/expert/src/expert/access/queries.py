"""Statements about people, credentials and roles, and about which projects a person may read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, bindparam, column, delete, exists, func, or_, select, table, union, update
from sqlalchemy.dialects.postgresql import insert

from expert.access.models import (
    AccessToken,
    ClassificationMembership,
    ResearchMembership,
    SignInAttempt,
    SignInLink,
    User,
    UserSession,
)
from expert.access.state import COUNTS_AS_ADMIN, Caller, ClassificationRole, ResearchRole
from trapper_kit.db import Session, db_clock
from trapper_kit.paging import PageRequest, has_part, page_of
from trapper_schemas.ids import uuid7

Row = TypeVar("Row")

# What access must know of the tables above it, by name, so that it does not depend on their features.
_projects = table("classification_projects", column("id"), column("research_project_id"))
_links = table(
    "classification_project_collections",
    column("classification_project_id"),
    column("collection_id"),
    column("consented_at"),
    column("revoked_at"),
)
_collections = table("collections", column("id"), column("research_project_id"), column("visibility"))


async def made_before(db: Session, kind: type[Row], created_by: UUID, key: str) -> Row | None:
    """Returns the row that this caller made under this idempotency key."""
    made: Any = kind
    return await db.scalar(select(kind).where(made.created_by == created_by, made.idempotency_key == key))


async def user_by_email(db: Session, email: str) -> User | None:
    return await db.scalar(select(User).where(func.lower(User.email) == email.lower()))


async def list_users(
    db: Session,
    page_request: PageRequest,
    *,
    ids: Sequence[UUID] | None,
    name: str | None,
    email: str | None,
    is_active: bool | None,
) -> Sequence[User]:
    statement = select(User)
    if name is not None:
        statement = statement.where(has_part(User.name, name))
    if email is not None:
        statement = statement.where(has_part(User.email, email))
    if is_active is not None:
        statement = statement.where(User.is_active == is_active)
    return (await db.scalars(page_of(statement, [User.id], page_request, [UUID], ids=ids))).all()


_BY_TOKEN = (
    select(User, AccessToken)
    .join(AccessToken, AccessToken.user_id == User.id)
    .where(
        AccessToken.token_hash == bindparam("token_hash"),
        AccessToken.revoked_at.is_(None),
        AccessToken.expires_at > db_clock(),
        User.is_active,
    )
)
"""Built once: it runs for every request, and building it costs as much as running it."""


async def caller_by_token(db: Session, token_hash: str) -> tuple[User, AccessToken] | None:
    """Returns the active person of a token that is neither revoked nor expired."""
    pair = (await db.execute(_BY_TOKEN, {"token_hash": token_hash})).one_or_none()
    return (pair[0], pair[1]) if pair else None


async def caller_by_session(db: Session, token_hash: str, *, idle: timedelta) -> tuple[User, UserSession] | None:
    """Returns the active person of a session that was used lately and has not ended."""
    statement = (
        select(User, UserSession)
        .join(UserSession, UserSession.user_id == User.id)
        .where(
            UserSession.token_hash == token_hash,
            UserSession.expires_at > db_clock(),
            UserSession.used_at > db_clock() - idle,
            User.is_active,
        )
    )
    pair = (await db.execute(statement)).one_or_none()
    return (pair[0], pair[1]) if pair else None


async def touch(db: Session, kind: type[AccessToken] | type[UserSession], row_id: UUID, now: datetime) -> None:
    await db.execute(update(kind).where(kind.id == row_id).values(used_at=now))


BACK_OFF_MEMORY = timedelta(days=1)
"""How long a failed sign-in makes the next wait longer."""


@dataclass(frozen=True)
class AttemptCounts:
    """Attempts within the window: of an account from an address, of the address, of the account; and of a day."""

    of_both: int
    of_address: int
    of_account: int
    of_both_in_a_day: int
    seconds_since: Decimal | None
    """Since the last attempt of the account from the address."""


async def lock_attempts(db: Session, account: str, address: str) -> None:
    """Serialises attempts of the same account or address, in one order against deadlocks."""
    for key in sorted({f"sign-in:{account}", f"sign-in:{address}"}):
        await db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


async def count_attempts(db: Session, *, account: str, address: str, window: timedelta) -> AttemptCounts:
    recent = SignInAttempt.at > db_clock() - window
    counted = select(func.count()).where(recent)
    both = (SignInAttempt.account == account, SignInAttempt.address == address)
    statement = select(
        counted.where(*both).scalar_subquery(),
        counted.where(SignInAttempt.address == address).scalar_subquery(),
        counted.where(SignInAttempt.account == account).scalar_subquery(),
        select(func.count()).where(*both, SignInAttempt.at > db_clock() - BACK_OFF_MEMORY).scalar_subquery(),
        select(func.extract("epoch", db_clock() - func.max(SignInAttempt.at))).where(*both).scalar_subquery(),
    )
    return AttemptCounts(*(await db.execute(statement)).one())


async def signed_in_from(db: Session, email: str, address: str) -> bool:
    """Returns whether a stored session of this account began at this address."""
    statement = select(
        exists().where(
            UserSession.user_id == User.id, func.lower(User.email) == email.lower(), UserSession.address_hash == address
        )
    )
    return bool(await db.scalar(statement))


async def insert_attempt(db: Session, *, account: str, address: str) -> None:
    db.add(SignInAttempt(id=uuid7(), account=account, address=address))
    await db.flush()


async def delete_attempts(db: Session, *, account: str, address: str) -> None:
    """One succeeded, so none of this account from this address counts any more."""
    await db.execute(delete(SignInAttempt).where(SignInAttempt.account == account, SignInAttempt.address == address))


async def list_sessions(
    db: Session, user_id: UUID, page_request: PageRequest, *, ids: Sequence[UUID] | None
) -> Sequence[UserSession]:
    statement = select(UserSession).where(UserSession.user_id == user_id, UserSession.expires_at > db_clock())
    return (await db.scalars(page_of(statement, [UserSession.id], page_request, [UUID], ids=ids))).all()


async def delete_sessions(db: Session, user_id: UUID, *, but: UUID | None = None, only: UUID | None = None) -> int:
    """Ends sessions of a person (all, all but one, or one) and returns their number."""
    statement = delete(UserSession).where(UserSession.user_id == user_id)
    if but is not None:
        statement = statement.where(UserSession.id != but)
    if only is not None:
        statement = statement.where(UserSession.id == only)
    return len((await db.scalars(statement.returning(UserSession.id))).all())


async def use_sign_in_link(db: Session, token_hash: str) -> User | None:
    """Deletes a link that has not expired, so that it is used once, and returns its person."""
    used = delete(SignInLink).where(SignInLink.token_hash == token_hash, SignInLink.expires_at > db_clock())
    user_id = await db.scalar(used.returning(SignInLink.user_id))
    return None if user_id is None else await db.get(User, user_id)


async def delete_sign_in_links(db: Session, user_id: UUID) -> None:
    await db.execute(delete(SignInLink).where(SignInLink.user_id == user_id))


async def delete_ended(db: Session, *, window: timedelta) -> None:
    """Deletes ended sessions, expired sign-in links and attempts that no longer count."""
    await db.execute(delete(UserSession).where(UserSession.expires_at < db_clock()))
    await db.execute(delete(SignInLink).where(SignInLink.expires_at < db_clock()))
    await db.execute(delete(SignInAttempt).where(SignInAttempt.at < db_clock() - max(window, BACK_OFF_MEMORY)))


async def list_tokens(
    db: Session, user_id: UUID, page_request: PageRequest, *, ids: Sequence[UUID] | None, name: str | None
) -> Sequence[AccessToken]:
    statement = select(AccessToken).where(AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None))
    if name is not None:
        statement = statement.where(has_part(AccessToken.name, name))
    return (await db.scalars(page_of(statement, [AccessToken.id], page_request, [UUID], ids=ids))).all()


async def lock_token(db: Session, token_id: UUID) -> AccessToken | None:
    """Locks and returns a token that is neither revoked nor expired."""
    statement = select(AccessToken).where(
        AccessToken.id == token_id, AccessToken.revoked_at.is_(None), AccessToken.expires_at > db_clock()
    )
    return await db.scalar(statement.with_for_update())


async def revoke_token(db: Session, user_id: UUID, token_id: UUID, now: datetime) -> bool:
    """Ends a token of a person and every token that was made with it."""
    await db.execute(select(AccessToken.id).where(AccessToken.id == token_id).with_for_update())
    ended = (
        select(AccessToken.id)
        .where(AccessToken.id == token_id, AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None))
        .cte("ended", recursive=True)
    )
    ended = ended.union(select(AccessToken.id).join(ended, AccessToken.parent_id == ended.c.id))
    statement = (
        update(AccessToken)
        .where(AccessToken.id.in_(select(ended.c.id)), AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(AccessToken.id)
    )
    return bool((await db.scalars(statement)).all())


async def revoke_tokens_of(db: Session, user_id: UUID, now: datetime) -> None:
    await db.execute(
        update(AccessToken)
        .where(AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
    )


async def research_role(db: Session, user_id: UUID, project_id: UUID) -> ResearchRole | None:
    return await db.scalar(
        select(ResearchMembership.role).where(
            ResearchMembership.research_project_id == project_id, ResearchMembership.user_id == user_id
        )
    )


async def research_roles(db: Session, user_id: UUID, project_ids: Sequence[UUID]) -> dict[UUID, ResearchRole]:
    """Returns the role in each research project where the person has one."""
    statement = select(ResearchMembership.research_project_id, ResearchMembership.role).where(
        ResearchMembership.research_project_id.in_(project_ids), ResearchMembership.user_id == user_id
    )
    return {row[0]: row[1] for row in await db.execute(statement)}


async def classification_roles(
    db: Session, user_id: UUID, project_ids: Sequence[UUID]
) -> dict[UUID, tuple[ClassificationRole | None, ResearchRole | None]]:
    """Returns the roles in each classification project and in its research project."""
    statement = (
        select(_projects.c.id, ClassificationMembership.role, ResearchMembership.role)
        .select_from(_projects)
        .outerjoin(
            ClassificationMembership,
            (ClassificationMembership.classification_project_id == _projects.c.id)
            & (ClassificationMembership.user_id == user_id),
        )
        .outerjoin(
            ResearchMembership,
            (ResearchMembership.research_project_id == _projects.c.research_project_id)
            & (ResearchMembership.user_id == user_id),
        )
        .where(_projects.c.id.in_(project_ids))
    )
    return {row[0]: (row[1], row[2]) for row in await db.execute(statement)}


def readable_research_projects(caller: Caller) -> Select[UUID]:
    """Returns ids of the research projects in which the caller has a role."""
    return select(ResearchMembership.research_project_id).where(ResearchMembership.user_id == caller.id)


def readable_classification_projects(caller: Caller) -> Select[UUID]:
    """Returns ids of classification projects where the caller has a role, also through the research project."""
    above = select(ResearchMembership.research_project_id).where(
        ResearchMembership.user_id == caller.id, ResearchMembership.role.in_(COUNTS_AS_ADMIN)
    )
    own = select(ClassificationMembership.classification_project_id).where(
        ClassificationMembership.user_id == caller.id
    )
    derived = select(_projects.c.id).where(_projects.c.research_project_id.in_(above))
    return select(union(own, derived).subquery().c[0])


def readable_collections(caller: Caller) -> Select[UUID]:
    """Returns ids of collections of the caller's research projects, of open links, and public ones."""
    linked = select(_links.c.collection_id).where(
        _links.c.classification_project_id.in_(readable_classification_projects(caller)),
        _links.c.consented_at.is_not(None),
        _links.c.revoked_at.is_(None),
    )
    return select(_collections.c.id).where(
        or_(
            _collections.c.research_project_id.in_(readable_research_projects(caller)),
            _collections.c.id.in_(linked),
            _collections.c.visibility == "public",
        )
    )


async def set_research_role(db: Session, project_id: UUID, user_id: UUID, role: ResearchRole) -> None:
    made = insert(ResearchMembership).values(research_project_id=project_id, user_id=user_id, role=role)
    await db.execute(made.on_conflict_do_update(index_elements=["research_project_id", "user_id"], set_={"role": role}))
