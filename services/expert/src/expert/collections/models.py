"""A collection: resources that came together, each under the paths it was uploaded with."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once, Versioned
from expert.resources.state import Visibility
from trapper_kit.db import state_type
from trapper_schemas.ids import uuid7


class Collection(Once, Versioned, Base):
    """An ingestion session of a research project."""

    __tablename__ = "collections"
    __table_args__ = (
        UniqueConstraint("research_project_id", "name"),
        UniqueConstraint("research_project_id", "id"),
        UniqueConstraint("created_by", "idempotency_key"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    research_project_id: Mapped[UUID] = mapped_column(ForeignKey("research_projects.id"))
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    visibility: Mapped[Visibility] = mapped_column(state_type(Visibility), default=Visibility.PRIVATE)
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CollectionResource(Base):
    """One path under which a resource lies in a collection; the same bytes under two paths are two of these."""

    __tablename__ = "collection_resources"
    __table_args__ = (
        ForeignKeyConstraint(
            ["research_project_id", "collection_id"],
            ["collections.research_project_id", "collections.id"],
            name="collection_resources_collection_of_the_project_fkey",
        ),
        ForeignKeyConstraint(
            ["research_project_id", "resource_id"],
            ["resources.research_project_id", "resources.id"],
            name="collection_resources_resource_of_the_project_fkey",
        ),
        ForeignKeyConstraint(
            ["research_project_id", "deployment_id"],
            ["deployments.research_project_id", "deployments.id"],
            name="collection_resources_deployment_of_the_project_fkey",
        ),
        UniqueConstraint("collection_id", "resource_id", "path_print"),
        Index("collection_resources_deployment_idx", "deployment_id", "collection_id"),
        Index("collection_resources_resource_idx", "resource_id", "collection_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    research_project_id: Mapped[UUID]
    collection_id: Mapped[UUID]
    resource_id: Mapped[UUID]
    file_name: Mapped[str]
    path: Mapped[str]
    path_print: Mapped[str]
    deployment_id: Mapped[UUID | None]  # for which this path was uploaded; the resource may be at another one
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
