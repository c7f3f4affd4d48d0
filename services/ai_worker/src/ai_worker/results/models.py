"""A result that the Manager does not have yet; its bytes are in the spool."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ai_worker.base import Base
from ai_worker.results.state import KeptState
from trapper_kit.db import state_type


class KeptResult(Base):
    """The encoded results of one batch, with the token of its lease."""

    __tablename__ = "kept_results"
    __table_args__ = (
        UniqueConstraint("batch_id", "attempt"),
        Index("kept_results_state_idx", "state", "run_id"),
    )

    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    batch_id: Mapped[UUID]
    attempt: Mapped[int]
    token: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int]
    state: Mapped[KeptState] = mapped_column(state_type(KeptState), default=KeptState.WAITING)
    tries: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None]
