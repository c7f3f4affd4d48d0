"""Features of observations; a partition for each embedding algorithm, with its own dimension and index."""

from uuid import UUID

from pgvector import HalfVector
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base


class Embedding(Base):
    """The features that one algorithm gave of one object; partitions are made by `sync_ai_models`."""

    __tablename__ = "embeddings"
    __table_args__ = {"postgresql_partition_by": "LIST (algorithm_id)"}  # noqa: RUF012 - as SQLAlchemy wants it

    algorithm_id: Mapped[UUID] = mapped_column(ForeignKey("algorithms.id"), primary_key=True)
    observation_id: Mapped[UUID] = mapped_column(ForeignKey("observations.id"), primary_key=True, index=True)
    vector: Mapped[HalfVector] = mapped_column(HALFVEC())
