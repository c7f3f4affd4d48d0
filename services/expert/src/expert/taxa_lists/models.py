"""Tables of taxa lists."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once, Versioned
from trapper_schemas.ids import uuid7


class TaxaList(Once, Versioned, Base):
    """A named set of taxa of a project; without a project it is global, for everybody."""

    __tablename__ = "taxa_lists"
    __table_args__ = (
        UniqueConstraint("created_by", "idempotency_key"),
        Index("taxa_lists_project_name_key", "classification_project_id", "name", unique=True,
              postgresql_nulls_not_distinct=True),
    )  # fmt: skip

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    classification_project_id: Mapped[UUID | None] = mapped_column(ForeignKey("classification_projects.id"))
    name: Mapped[str]
    fingerprint: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TaxaListEntry(Base):
    """An accepted taxon of a list."""

    __tablename__ = "taxa_list_entries"

    taxa_list_id: Mapped[UUID] = mapped_column(ForeignKey("taxa_lists.id", ondelete="CASCADE"), primary_key=True)
    taxon_id: Mapped[UUID] = mapped_column(ForeignKey("taxa.id"), primary_key=True, index=True)
