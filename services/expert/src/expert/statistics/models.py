"""What has changed and is not counted yet, what each resource counts as, and the sums of a linked collection."""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.dialects.postgresql import SMALLINT
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base
from expert.observations.state import ObservationType
from expert.statistics.state import Facet, Source
from trapper_kit.db import JsonDocument, state_type
from trapper_schemas.ids import uuid7


class CountChange(Base):
    """A resource that may count as something else now; triggers append these, folding deletes them."""

    __tablename__ = "count_changes"
    __table_args__ = (Index("count_changes_project_idx", "classification_project_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    classification_project_id: Mapped[UUID]
    resource_id: Mapped[UUID]


class CountedResource(Base):
    """What a resource counts as in the sums, in one of the project's linked collections that hold it."""

    __tablename__ = "counted_resources"

    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"), primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(ForeignKey("resources.id"), primary_key=True, index=True)
    linked_collection_id: Mapped[UUID] = mapped_column(ForeignKey("classification_project_collections.id"), index=True)
    deployment_id: Mapped[UUID | None]
    local_day: Mapped[date | None]
    local_hour: Mapped[int | None] = mapped_column(SMALLINT)
    with_ai: Mapped[bool]
    by_people: Mapped[bool]
    approved: Mapped[bool]
    in_review: Mapped[bool]
    failed: Mapped[bool]
    blank: Mapped[bool]
    observations: Mapped[int]
    labels: Mapped[list[dict[str, object]]] = mapped_column(JsonDocument)  # of {source, type, taxon, n}


class ProjectCount(Base):
    """A sum over the resources of a linked collection that share a deployment, a day, an hour or a label."""

    __tablename__ = "project_counts"
    __table_args__ = (
        Index(
            "project_counts_key",
            "linked_collection_id",
            "facet",
            "deployment_id",
            "local_day",
            "local_hour",
            "source",
            "observation_type",
            "taxon_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    linked_collection_id: Mapped[UUID] = mapped_column(ForeignKey("classification_project_collections.id"))
    facet: Mapped[Facet] = mapped_column(state_type(Facet))
    deployment_id: Mapped[UUID | None]
    local_day: Mapped[date | None]
    local_hour: Mapped[int | None] = mapped_column(SMALLINT)
    source: Mapped[Source | None] = mapped_column(state_type(Source))
    observation_type: Mapped[ObservationType | None] = mapped_column(state_type(ObservationType))
    taxon_id: Mapped[UUID | None]
    resources: Mapped[int] = mapped_column(BigInteger)
    with_ai: Mapped[int] = mapped_column(BigInteger)
    by_people: Mapped[int] = mapped_column(BigInteger)
    approved: Mapped[int] = mapped_column(BigInteger)
    in_review: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    blank: Mapped[int] = mapped_column(BigInteger)
    observations: Mapped[int] = mapped_column(BigInteger)
