"""Tables of people, their credentials, and their roles in projects."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from expert.access.state import ClassificationRole, ResearchRole
from expert.base import Base
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7


class User(Base):
    """A person; may sign in once activated."""

    __tablename__ = "users"
    __table_args__ = (Index("users_email_key", text("lower(email)"), unique=True),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str]
    name: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=False)
    is_site_admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    activated_at: Mapped[datetime | None]


class UserSession(Base):
    """A session of a browser; the cookie holds the token, this row its hash."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    address_hash: Mapped[str] = mapped_column(default="")
    """Where it began; an address from which somebody signed in before is not held back by others' guesses."""


class SignInLink(Base):
    """A link that signs a person in once; it holds the token, this row its hash."""

    __tablename__ = "sign_in_links"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)


class AccessToken(Base):
    """A named token for scripts, stored as a hash; a token made by another ends with that one."""

    __tablename__ = "tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("tokens.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    scopes: Mapped[list[str]]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SignInAttempt(Base):
    """A sign-in or registration under way or refused; counted per account and address for a day."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("sign_in_attempts_account_idx", "account", "at"),
        Index("sign_in_attempts_address_idx", "address", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    account: Mapped[str]
    address: Mapped[str]
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class ResearchMembership(Base):
    """A person's role in a research project."""

    __tablename__ = "research_memberships"

    research_project_id: Mapped[UUID] = mapped_column(ForeignKey("research_projects.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    role: Mapped[ResearchRole] = mapped_column(state_type(ResearchRole))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ClassificationMembership(Base):
    """A person's role in a classification project."""

    __tablename__ = "classification_memberships"

    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), primary_key=True, index=True)
    role: Mapped[ClassificationRole] = mapped_column(state_type(ClassificationRole))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Invitation(Base):
    """A role in one project, offered to an e-mail; it becomes a membership when the person accepts."""

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("(research_project_id is null) <> (classification_project_id is null)", name="one_project"),
        Index("invitations_email_idx", text("lower(email)")),
        Index(
            "invitations_research_key",
            "research_project_id",
            text("lower(email)"),
            unique=True,
            postgresql_where="research_project_id is not null",
        ),
        Index(
            "invitations_classification_key",
            "classification_project_id",
            text("lower(email)"),
            unique=True,
            postgresql_where="classification_project_id is not null",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str]
    research_project_id: Mapped[UUID | None] = mapped_column(ForeignKey("research_projects.id"))
    classification_project_id: Mapped[UUID | None] = mapped_column(ForeignKey("classification_projects.id"))
    role: Mapped[str]
    invited_by_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
