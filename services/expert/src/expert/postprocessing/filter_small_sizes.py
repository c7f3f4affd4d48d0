"""The method small-size filter: an object that covers too little of its picture is unknown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from pydantic import Field

from expert.deps import ExpertWork
from expert.observations.state import ObservationType
from expert.operations.state import Document
from expert.postprocessing import queries_algorithms as queries
from expert.postprocessing.find_source import touched
from expert.postprocessing.queries_selection import Row, Selection
from expert.postprocessing.register import Method, MethodConfig, register
from expert.postprocessing.state import (
    UNCHANGED,
    Decision,
    MethodKey,
    Outcome,
    RunScope,
    ScopeKind,
    SkipReason,
    Verdict,
    skipped,
)
from trapper_kit.db import Session
from trapper_kit.problems import NotFound

TOO_SMALL = "too small"


class SmallSizeConfig(MethodConfig):
    """The settings of the small-size filter."""

    size_threshold: Annotated[float, Field(gt=0, lt=1)] = Field(
        default=0.0008, description="the least area of a box, as a part of the picture"
    )


@dataclass(frozen=True)
class SmallSizePlan:
    """The filter with its threshold; each filtered algorithm has an output algorithm of its own."""

    selection: Selection
    config: SmallSizeConfig
    outputs: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])

    @property
    def labels(self) -> int:
        """It reads no logits."""
        return 0

    @property
    def facts(self) -> Document:
        """The threshold."""
        return {"size_threshold": self.config.size_threshold}

    async def decide(self, work: ExpertWork, db: Session, rows: Sequence[Row]) -> list[Decision]:
        """A decision for each observation, by the area of its box."""
        del work
        return [await self._decide_row(db, row) for row in rows]

    async def _decide_row(self, db: Session, row: Row) -> Decision:
        reason = touched(row) or (SkipReason.NO_BOX if not row.relative_area else None)
        if reason is not None:
            return skipped(reason)
        is_large = (row.relative_area or 0.0) >= self.config.size_threshold
        if is_large or row.observation_type is ObservationType.UNKNOWN:
            return UNCHANGED
        verdict = Verdict(
            await self._output(db, row.terminal_algorithm_id),
            row.terminal_id,
            ObservationType.UNKNOWN.value,
            None,
            row.terminal_score,
            (),
            TOO_SMALL,
            ObservationType.UNKNOWN,
        )
        return Decision(Outcome.CHANGED, verdict=verdict)

    async def _output(self, db: Session, algorithm_id: UUID) -> UUID:
        if algorithm_id not in self.outputs:
            source = await queries.read_algorithm(db, algorithm_id)
            if source is None:
                raise NotFound("the algorithm of a prediction is gone")
            parameters = self.config.model_dump(mode="json")
            self.outputs[algorithm_id] = await queries.output_algorithm(
                db, MethodKey.SMALL_SIZE_FILTER, source, parameters, name="small boxes filtered"
            )
        return self.outputs[algorithm_id]


async def prepare_filter(db: Session, project_id: UUID, scope: RunScope, document: Document) -> SmallSizePlan:
    """The plan; every object of the scope is looked at."""
    del db
    return SmallSizePlan(Selection(project_id, scope, None), SmallSizeConfig.model_validate(document))


SMALL_SIZE_FILTER = register(
    Method(
        MethodKey.SMALL_SIZE_FILTER,
        "Small-size filter",
        "Calls an object unknown whose box covers less than a part of the picture.",
        SmallSizeConfig,
        frozenset(ScopeKind),
        prepare_filter,
    )
)
