"""Statements about people, their credentials and roles; also what of projects a person may read."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, column, delete, func, or_, select, table, union, update
from sqlalchemy.dialects.postgresql import insert

from expert.access.models import (
    AccessToken,
    ClassificationMembership,
    ResearchMembership,
    SignInFailure,
    User,
    UserSession,
)
from expert.access.state import COUNTS_AS_ADMIN, Caller, ClassificationRole, ResearchRole
from trapper_kit.db import Session, db_clock
from trapper_kit.paging import PageRequest, page_of

Row = TypeVar("Row")

# What access must know of the tables above it, by name, so that it does not depend on their features.
_projects = table("classification_projects", column("id"), column("research_project_id"))
_links = table("classification_project_collections", column("classification_project_id"), column("collection_id"))
_collections = table("collections", column("id"), column("research_project_id"), column("visibility"))


async def made_before(db: Session, kind: type[Row], created_by: UUID, key: str) -> Row | None:
    """The row that this caller made under this idempotency key."""
    made: Any = kind
    return await db.scalar(select(kind).where(made.created_by == created_by, made.idempotency_key == key))


async def user_by_email(db: Session, email: str) -> User | None:
    return await db.scalar(select(User).where(func.lower(User.email) == email.lower()))


async def list_users(db: Session, page_request: PageRequest, *, is_active: bool | None) -> Sequence[User]:
    statement = select(User)
    if is_active is not None:
        statement = statement.where(User.is_active == is_active)
    return (await db.scalars(page_of(statement, [User.id], page_request, [UUID]))).all()


async def caller_by_token(db: Session, token_hash: str) -> tuple[User, AccessToken] | None:
    """An active person's token that is neither revoked nor expired."""
    statement = (
        select(User, AccessToken)
        .join(AccessToken, AccessToken.user_id == User.id)
        .where(
            AccessToken.token_hash == token_hash,
            AccessToken.revoked_at.is_(None),
            AccessToken.expires_at > db_clock(),
            User.is_active,
        )
    )
    found = (await db.execute(statement)).one_or_none()
    return (found[0], found[1]) if found else None


async def caller_by_session(db: Session, token_hash: str, *, idle: timedelta) -> tuple[User, UserSession] | None:
    """An active person's session that was used lately and has not ended."""
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
    found = (await db.execute(statement)).one_or_none()
    return (found[0], found[1]) if found else None


async def touch(db: Session, kind: type[AccessToken] | type[UserSession], row_id: UUID, now: datetime) -> None:
    await db.execute(update(kind).where(kind.id == row_id).values(used_at=now))


async def count_failures(db: Session, *, account: str, address: str, window: timedelta) -> tuple[int, int]:
    """Refused sign-ins within the window: of the account, of the address."""
    recent = SignInFailure.at > db_clock() - window
    of_account = select(func.count()).where(SignInFailure.account == account, recent).scalar_subquery()
    of_address = select(func.count()).where(SignInFailure.address == address, recent).scalar_subquery()
    found = (await db.execute(select(of_account, of_address))).one()
    return found[0], found[1]


async def delete_session(db: Session, session_id: UUID) -> None:
    await db.execute(delete(UserSession).where(UserSession.id == session_id))


async def forget_ended(db: Session, *, window: timedelta) -> None:
    """Sessions that ended and failures that no longer count."""
    await db.execute(delete(UserSession).where(UserSession.expires_at < db_clock()))
    await db.execute(delete(SignInFailure).where(SignInFailure.at < db_clock() - window))


async def list_tokens(db: Session, user_id: UUID, page_request: PageRequest) -> Sequence[AccessToken]:
    statement = select(AccessToken).where(AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None))
    return (await db.scalars(page_of(statement, [AccessToken.id], page_request, [UUID]))).all()


async def revoke_token(db: Session, user_id: UUID, token_id: UUID, now: datetime) -> bool:
    statement = (
        update(AccessToken)
        .where(AccessToken.id == token_id, AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(AccessToken.id)
    )
    return (await db.scalar(statement)) is not None


async def research_role(db: Session, user_id: UUID, project_id: UUID) -> ResearchRole | None:
    return await db.scalar(
        select(ResearchMembership.role).where(
            ResearchMembership.research_project_id == project_id, ResearchMembership.user_id == user_id
        )
    )


async def classification_roles(
    db: Session, user_id: UUID, project_id: UUID
) -> tuple[ClassificationRole | None, ResearchRole | None]:
    """The role in a classification project, and in the research project that it belongs to."""
    statement = (
        select(ClassificationMembership.role, ResearchMembership.role)
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
        .where(_projects.c.id == project_id)
    )
    found = (await db.execute(statement)).one_or_none()
    return (found[0], found[1]) if found else (None, None)


def readable_research_projects(caller: Caller) -> Select[UUID]:
    """Ids of the research projects in which the caller has a role."""
    return select(ResearchMembership.research_project_id).where(ResearchMembership.user_id == caller.id)


def readable_classification_projects(caller: Caller) -> Select[UUID]:
    """Ids of the classification projects in which the caller has a role, directly or from above."""
    above = select(ResearchMembership.research_project_id).where(
        ResearchMembership.user_id == caller.id, ResearchMembership.role.in_(COUNTS_AS_ADMIN)
    )
    own = select(ClassificationMembership.classification_project_id).where(
        ClassificationMembership.user_id == caller.id
    )
    derived = select(_projects.c.id).where(_projects.c.research_project_id.in_(above))
    return select(union(own, derived).subquery().c[0])


def readable_collections(caller: Caller) -> Select[UUID]:
    """Ids of the collections of one's research projects, of linked ones, and of public ones."""
    linked = select(_links.c.collection_id).where(
        _links.c.classification_project_id.in_(readable_classification_projects(caller))
    )
    return select(_collections.c.id).where(
        or_(
            _collections.c.research_project_id.in_(readable_research_projects(caller)),
            _collections.c.id.in_(linked),
            _collections.c.visibility == "public",
        )
    )


async def list_research_members(db: Session, project_id: UUID) -> Sequence[tuple[User, ResearchRole]]:
    statement = (
        select(User, ResearchMembership.role)
        .join(ResearchMembership, ResearchMembership.user_id == User.id)
        .where(ResearchMembership.research_project_id == project_id)
        .order_by(User.id)
    )
    return [(row[0], row[1]) for row in await db.execute(statement)]


async def list_classification_members(db: Session, project_id: UUID) -> Sequence[tuple[User, ClassificationRole]]:
    statement = (
        select(User, ClassificationMembership.role)
        .join(ClassificationMembership, ClassificationMembership.user_id == User.id)
        .where(ClassificationMembership.classification_project_id == project_id)
        .order_by(User.id)
    )
    return [(row[0], row[1]) for row in await db.execute(statement)]


async def set_research_role(db: Session, project_id: UUID, user_id: UUID, role: ResearchRole) -> None:
    made = insert(ResearchMembership).values(research_project_id=project_id, user_id=user_id, role=role)
    await db.execute(made.on_conflict_do_update(index_elements=["research_project_id", "user_id"], set_={"role": role}))


async def set_classification_role(db: Session, project_id: UUID, user_id: UUID, role: ClassificationRole) -> None:
    made = insert(ClassificationMembership).values(classification_project_id=project_id, user_id=user_id, role=role)
    await db.execute(
        made.on_conflict_do_update(index_elements=["classification_project_id", "user_id"], set_={"role": role})
    )


async def remove_research_member(db: Session, project_id: UUID, user_id: UUID) -> None:
    await db.execute(
        delete(ResearchMembership).where(
            ResearchMembership.research_project_id == project_id, ResearchMembership.user_id == user_id
        )
    )


async def remove_classification_member(db: Session, project_id: UUID, user_id: UUID) -> None:
    await db.execute(
        delete(ClassificationMembership).where(
            ClassificationMembership.classification_project_id == project_id,
            ClassificationMembership.user_id == user_id,
        )
    )
