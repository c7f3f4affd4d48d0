"""Tables of algorithms and their ordered labels."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from expert.algorithms.state import AlgorithmKind
from expert.base import Base
from trapper_kit.db import JsonDocument, state_type
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.models import ObjectType


class CategoryMap(Base):
    """The labels of a model in index order; equal lists share one map, by fingerprint."""

    __tablename__ = "category_maps"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    labels_print: Mapped[str] = mapped_column(unique=True)
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CategoryLabel(Base):
    """The meaning of one index; the taxon is null while unresolved, or when the label is no taxon."""

    __tablename__ = "category_labels"
    __table_args__ = (CheckConstraint("index >= 0", name="index"),)

    category_map_id: Mapped[UUID] = mapped_column(ForeignKey("category_maps.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str]
    observation_type: Mapped[ObjectType | None] = mapped_column(state_type(ObjectType, name="observationtype"))
    scientific_name: Mapped[str | None]
    rank: Mapped[str | None]
    common_name: Mapped[str | None]
    taxon_keys: Mapped[list[Any]] = mapped_column(default=list)
    lineage: Mapped[dict[str, str]] = mapped_column(JsonDocument, default=dict, server_default="{}")  # names by rank
    taxon_id: Mapped[UUID | None] = mapped_column(ForeignKey("taxa.id"), index=True)


class Algorithm(Base):
    """One version of an algorithm; `key` is unique: kind, name, version and weights."""

    __tablename__ = "algorithms"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    version: Mapped[str]
    kind: Mapped[AlgorithmKind] = mapped_column(state_type(AlgorithmKind))
    sha256: Mapped[str | None] = mapped_column(index=True)
    category_map_id: Mapped[UUID | None] = mapped_column(ForeignKey("category_maps.id"), index=True)
    derived_from_id: Mapped[UUID | None] = mapped_column(ForeignKey("algorithms.id"), index=True)
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
