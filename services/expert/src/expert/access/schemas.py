"""Bodies of signing in, people, tokens and members."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, SecretStr

from expert.audit.state import AuditAction
from trapper_kit.text import Line, Name
from trapper_schemas.base import Reply, Request

Email = Annotated[Line, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
Password = Annotated[SecretStr, Field(min_length=12, max_length=1000)]


class SignIn(Request):
    email: Line = Field(max_length=254)
    password: SecretStr = Field(max_length=1000)


class SignInByLink(Request):
    token: SecretStr = Field(max_length=200, description="the part of the link after `#link=`")


class Registration(Request):
    email: Email
    name: Line = Field(default="", max_length=200)
    password: Password


class RegistrationReply(Reply):
    """The same whether the account is new or was there before."""

    message: str


class PasswordChange(Request):
    current_password: SecretStr = Field(max_length=1000)
    new_password: Password


class SessionItem(Reply):
    """One of the caller's sessions; never with its secret."""

    id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    is_current: bool


class EndedSessions(Reply):
    ended: int


class UserReply(Reply):
    id: UUID
    email: str
    name: str
    is_active: bool
    is_site_admin: bool
    created_at: datetime


class SessionReply(Reply):
    user: UserReply
    csrf_token: str
    expires_in_seconds: int


class CallerReply(Reply):
    """`csrf_token` is there when the caller is a browser's session."""

    id: UUID
    email: str
    is_site_admin: bool
    scopes: list[str] | None
    csrf_token: str | None


class NewToken(Request):
    name: Name = Field(max_length=100)
    scopes: list[str] = Field(default=["*"], min_length=1, max_length=20)
    expires_in_days: int = Field(default=90, ge=1, le=366)


class TokenReply(Reply):
    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class NewTokenReply(TokenReply):
    """The only time that the token itself is shown."""

    token: str


class NewPasswordReply(Reply):
    """The only time that the password is shown."""

    user_id: UUID
    password: str


class AuditEntryReply(Reply):
    id: UUID
    at: datetime
    actor_id: UUID | None
    action: AuditAction
    subject_kind: str
    subject_id: UUID | None
    details: dict[str, Any] | None
