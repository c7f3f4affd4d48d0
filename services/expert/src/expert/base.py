"""The declarative base and the task book of this service."""

from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from trapper_kit.broker import TaskBook
from trapper_kit.db import TYPES, metadata

task = TaskBook()
"""Feature tasks note themselves here; only the service's `tasks` declares the book on a broker."""


class Base(DeclarativeBase):
    """The base of every table of this service."""

    metadata = metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = dict(TYPES)


class Once:
    """A row that a request makes at most once; each table adds unique (created_by, idempotency_key)."""

    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str | None]
    request_print: Mapped[str | None]


class Versioned:
    """A row that people edit: each write raises `version` and fails after a concurrent one."""

    version: Mapped[int] = mapped_column(default=1, server_default="1")

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a method of the class, as SQLAlchemy calls it
        return {"version_id_col": cls.version}


def number_of_key(value: object) -> int:
    """A number in the key of a cursor, as an integer column takes it; raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise ValueError("a number from 0 below 2^31 is expected")
    return value
