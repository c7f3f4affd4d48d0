"""The table of runs: one attempt of one batch, with all that a restart needs."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ai_worker.base import Base
from ai_worker.leases.runs import RunState
from trapper_kit.db import state_type


class Run(Base):
    """One attempt of one batch; `lease` is deleted when it is over, since it holds a token and a grant."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("batch_id", "attempt"),
        CheckConstraint("state in ('delivered', 'released') or lease is not null", name="lease"),
        Index("runs_state_idx", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[UUID]
    job_id: Mapped[UUID]
    attempt: Mapped[int]
    state: Mapped[RunState] = mapped_column(state_type(RunState), default=RunState.LEASED)
    total: Mapped[int]
    starts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[dict[str, Any] | None]
    because: Mapped[str | None]
    offline_until: Mapped[float | None]
    """When a lease for work without a link ends, in Unix seconds by this machine's clock; it outlives a restart."""
