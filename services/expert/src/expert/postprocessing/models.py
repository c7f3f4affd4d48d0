"""Tables of runs: what was asked, which predictions and determinations each changed."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from expert.base import Base
from expert.observations.state import ObservationType
from expert.occurrences.state import DeterminationSource
from expert.operations.state import Document
from expert.postprocessing.state import MethodKey, RunReport, RunScope
from trapper_kit.db import JsonDocument, document_type, state_type


class PostprocessingRun(Base):
    """A run of a method, beside its operation; a dry run has no changes."""

    __tablename__ = "postprocessing_runs"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True)
    classification_project_id: Mapped[UUID] = mapped_column(ForeignKey("classification_projects.id"), index=True)
    method: Mapped[MethodKey] = mapped_column(state_type(MethodKey))
    config: Mapped[Document] = mapped_column(JsonDocument)
    scope: Mapped[RunScope] = mapped_column(document_type(RunScope))
    dry_run: Mapped[bool]
    report: Mapped[RunReport] = mapped_column(document_type(RunReport))
    undone_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("operations.id", ondelete="SET NULL"), index=True)
    undone_at: Mapped[datetime | None]


class PredictionChange(Base):
    """Which prediction counted for an observation before and after a run, and what the observation said before."""

    __tablename__ = "prediction_changes"
    __table_args__ = (Index("prediction_changes_observation_idx", "observation_id", "number"),)

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True)
    observation_id: Mapped[UUID] = mapped_column(ForeignKey("observations.id"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity())  # the order of changes
    before_id: Mapped[UUID] = mapped_column(ForeignKey("predictions.id"), index=True)
    after_id: Mapped[UUID] = mapped_column(ForeignKey("predictions.id"), index=True)
    is_new: Mapped[bool]  # whether the run made the prediction that counts after it
    taxon_id: Mapped[UUID | None] = mapped_column(ForeignKey("taxa.id"), index=True)
    label: Mapped[str | None]
    classification_confidence: Mapped[float | None]
    observation_type: Mapped[ObservationType] = mapped_column(state_type(ObservationType))


class DeterminationChange(Base):
    """What an occurrence was determined as before a run changed it for the first time."""

    __tablename__ = "determination_changes"

    operation_id: Mapped[UUID] = mapped_column(ForeignKey("operations.id", ondelete="CASCADE"), primary_key=True)
    occurrence_id: Mapped[UUID] = mapped_column(ForeignKey("occurrences.id"), primary_key=True, index=True)
    taxon_id: Mapped[UUID | None] = mapped_column(ForeignKey("taxa.id"), index=True)
    score: Mapped[float | None]
    source: Mapped[DeterminationSource | None] = mapped_column(state_type(DeterminationSource))
