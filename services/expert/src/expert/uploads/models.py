"""A file that a client announced and then sends."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base
from expert.uploads.state import UploadState
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7


class Upload(Base):
    """Name, size and hash as announced; the bytes must match them."""

    __tablename__ = "uploads"
    __table_args__ = (
        ForeignKeyConstraint(
            ["research_project_id", "collection_id"],
            ["collections.research_project_id", "collections.id"],
            name="uploads_collection_of_the_project_fkey",
        ),
        ForeignKeyConstraint(
            ["research_project_id", "deployment_id"],
            ["deployments.research_project_id", "deployments.id"],
            name="uploads_deployment_of_the_project_fkey",
        ),
        CheckConstraint("size_bytes >= 0", name="size"),
        CheckConstraint("(state = 'finished') = (resource_id is not null)", name="resource"),
        Index(
            "uploads_open_key",
            "collection_id",
            "created_by",
            "sha256",
            "path_print",
            unique=True,
            postgresql_where="state = 'open'",
        ),
        Index("uploads_deployment_idx", "deployment_id"),
        Index("uploads_open_idx", "created_at", postgresql_where="state = 'open'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    research_project_id: Mapped[UUID] = mapped_column(index=True)
    collection_id: Mapped[UUID] = mapped_column(index=True)
    deployment_id: Mapped[UUID | None]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    file_name: Mapped[str]
    path: Mapped[str]
    path_print: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    state: Mapped[UploadState] = mapped_column(state_type(UploadState), default=UploadState.OPEN)
    resource_id: Mapped[UUID | None] = mapped_column(ForeignKey("resources.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]
