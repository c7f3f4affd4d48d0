"""Taxa and their keys in checklists."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, false, func, text
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base, Once
from trapper_schemas.ids import uuid7


class Taxon(Once, Base):
    """`path` holds the ids of all ancestors and its own, between slashes, so that no hop costs a query."""

    __tablename__ = "taxa"
    __table_args__ = (
        UniqueConstraint("created_by", "idempotency_key"),
        Index("taxa_scientific_name_idx", text("lower(scientific_name)")),
        Index("taxa_canonical_name_idx", text("lower(canonical_name)")),
        Index("taxa_path_idx", "path", postgresql_ops={"path": "text_pattern_ops"}),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    scientific_name: Mapped[str]
    canonical_name: Mapped[str]
    rank: Mapped[str | None]
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("taxa.id"), index=True)
    path: Mapped[str]
    accepted_id: Mapped[UUID | None] = mapped_column(ForeignKey("taxa.id"), index=True)  # of a synonym
    checklist: Mapped[str | None]  # whose names and lineage it has, when several checklists know it
    vernacular_names: Mapped[dict[str, str]] = mapped_column(default=dict)
    provisional: Mapped[bool] = mapped_column(default=False, server_default=false())  # no checklist has it yet
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TaxonKey(Base):
    """What one checklist calls the taxon; keys are text, because not every checklist has numbers."""

    __tablename__ = "taxon_keys"

    checklist: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    taxon_id: Mapped[UUID] = mapped_column(ForeignKey("taxa.id"), index=True)
