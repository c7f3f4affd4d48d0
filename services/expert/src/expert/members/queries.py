"""Statements about the members of projects, and the people who are invited to be some."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import column, delete, func, select, table, text, union
from sqlalchemy.dialects.postgresql import insert

from expert.access.models import ClassificationMembership, Invitation, ResearchMembership, User
from expert.access.state import ClassificationRole, ResearchRole
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of

# The features of the projects lie above this one, which knows their tables by name.
_projects = table("classification_projects", column("id"), column("name"))
_research_projects = table("research_projects", column("id"), column("name"))


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


async def research_member_by_email(db: Session, project_id: UUID, email: str) -> UUID | None:
    """Returns the member of a research project with this e-mail."""
    return await db.scalar(
        select(User.id)
        .join(ResearchMembership, ResearchMembership.user_id == User.id)
        .where(ResearchMembership.research_project_id == project_id, func.lower(User.email) == email.lower())
    )


async def classification_member_by_email(db: Session, project_id: UUID, email: str) -> UUID | None:
    """Returns the member of a classification project with this e-mail."""
    return await db.scalar(
        select(User.id)
        .join(ClassificationMembership, ClassificationMembership.user_id == User.id)
        .where(
            ClassificationMembership.classification_project_id == project_id, func.lower(User.email) == email.lower()
        )
    )


async def keep_invitation(db: Session, values: dict[str, Any]) -> None:
    """Stores one invitation per project and e-mail; a second one changes the offered role."""
    column_name = "research_project_id" if "research_project_id" in values else "classification_project_id"
    made = insert(Invitation).values(**values)
    await db.execute(
        made.on_conflict_do_update(
            index_elements=[column_name, text("lower(email)")],
            index_where=text(f"{column_name} is not null"),
            set_={"role": made.excluded.role, "invited_by_id": made.excluded.invited_by_id},
        )
    )


async def list_invitations(
    db: Session, page_request: PageRequest, *, ids: Sequence[UUID] | None, **where: Any
) -> Sequence[Invitation]:
    """Returns the invitations of one e-mail (`email`), or into one project."""
    statement = select(Invitation)
    for name, value in where.items():
        attribute: Any = getattr(Invitation, name)
        matches = func.lower(attribute) == value.lower() if name == "email" else attribute == value
        statement = statement.where(matches)
    return (await db.scalars(page_of(statement, [Invitation.id], page_request, [UUID], ids=ids))).all()


async def delete_invitation(db: Session, invitation_id: UUID, email: str) -> Invitation | None:
    """Deletes and returns an invitation of this e-mail, so that it is used once."""
    statement = delete(Invitation).where(Invitation.id == invitation_id, func.lower(Invitation.email) == email.lower())
    return await db.scalar(statement.returning(Invitation))


async def withdraw_invitation(db: Session, invitation_id: UUID, **project: UUID) -> Invitation | None:
    """Deletes and returns an invitation into this project."""
    statement = delete(Invitation).where(Invitation.id == invitation_id)
    for name, value in project.items():
        statement = statement.where(getattr(Invitation, name) == value)
    return await db.scalar(statement.returning(Invitation))


async def project_names(db: Session, research_ids: set[UUID], classification_ids: set[UUID]) -> dict[UUID, str]:
    """Returns the names of projects, for people who are invited."""
    of_research = select(_research_projects.c.id, _research_projects.c.name).where(
        _research_projects.c.id.in_(research_ids)
    )
    of_classification = select(_projects.c.id, _projects.c.name).where(_projects.c.id.in_(classification_ids))
    return {row[0]: row[1] for row in await db.execute(union(of_research, of_classification))}
