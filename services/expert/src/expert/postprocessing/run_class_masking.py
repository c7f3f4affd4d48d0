"""The method class masking: on stored logits, the best class among those that a taxa list keeps."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from expert.deps import ExpertWork
from expert.operations.state import Document
from expert.outputs.read_logits import UnreadLogits, read_logits
from expert.postprocessing import queries_algorithms as queries
from expert.postprocessing.errors import MethodRefused
from expert.postprocessing.find_source import Source, facts_of, find_source, kept_by
from expert.postprocessing.mask_classes import INVALID, NO_WINNER, mask_rows, rank_kept
from expert.postprocessing.queries_algorithms import MapLabel
from expert.postprocessing.queries_selection import Row, Selection
from expert.postprocessing.register import Method, MethodConfig, register
from expert.postprocessing.state import (
    TOLERANCE,
    UNCHANGED,
    Decision,
    MethodKey,
    Outcome,
    Present,
    RunScope,
    ScopeKind,
    SkipReason,
    Verdict,
    back_to,
    skipped,
)
from trapper_kit.db import Session

_TOP = 5


class Compose(StrEnum):
    """What becomes of a mask that was applied before: it is replaced, or only what both keep is kept."""

    REPLACE = "replace"
    INTERSECT = "intersect"


class MaskingConfig(MethodConfig):
    """The settings of class masking."""

    algorithm_id: UUID = Field(description="the source: a model, or with intersect a mask that was applied to it")
    taxa_list_id: UUID = Field(description="the taxa that are kept, of the project or of everybody")
    reweight: bool = Field(default=True, description="the score counts the kept classes only, so that they sum to 1")
    only_when_taxon_changes: bool = Field(
        default=True, description="leave an observation alone when the mask gives it the taxon that it has"
    )
    include_descendants: bool = Field(default=True, description="keep what is below a kept taxon, too")
    compose: Compose = Field(default=Compose.REPLACE, description="replace a former mask, or keep what both keep")


@dataclass(frozen=True)
class MaskingPlan:
    """Class masking of one source with one set of kept classes."""

    selection: Selection
    source: Source
    kept: NDArray[np.intp]
    kept_labels: Mapping[int, MapLabel]
    output_id: UUID
    base_id: UUID | None
    """The mask that is intersected; None for the model itself."""
    config: MaskingConfig

    @property
    def labels(self) -> int:
        """Numbers per row."""
        return self.source.size

    @property
    def facts(self) -> Document:
        """How many classes are kept, and how many labels name no known taxon and are left out."""
        return {
            **facts_of(self.source),
            "kept_labels": len(self.kept),
            "labels_without_taxon": self.source.unresolved,
            "output_algorithm_id": str(self.output_id),
        }

    async def decide(self, work: ExpertWork, db: Session, rows: Sequence[Row]) -> list[Decision]:
        """A decision for each observation; logits are read only where they matter."""
        del db
        decisions: dict[UUID, Decision] = {}
        waiting: dict[UUID, Row] = {}
        for row in rows:
            decision = self._without_logits(row)
            if decision is None:
                waiting[row.raw_id] = row
            else:
                decisions[row.observation_id] = decision
        async for piece in read_logits(work, list(waiting)):
            known = [waiting[prediction_id] for prediction_id in piece.prediction_ids]
            if isinstance(piece, UnreadLogits):
                decided = [skipped(SkipReason.UNREADABLE)] * len(known)
            elif piece.values.shape[1] != self.labels:
                decided = [skipped(SkipReason.WRONG_LENGTH)] * len(known)
            else:
                decided = await asyncio.to_thread(self._decide_rows, known, piece.values)
            decisions |= {row.observation_id: each for row, each in zip(known, decided, strict=True)}
        return [decisions.get(row.observation_id, skipped(SkipReason.NO_LOGITS)) for row in rows]

    def _without_logits(self, row: Row) -> Decision | None:
        reason = self.source.refusal(row)
        if reason is not None:
            return skipped(reason)
        if row.terminal_algorithm_id == self.output_id:
            return UNCHANGED
        if self.base_id is not None and row.terminal_algorithm_id != self.base_id:
            return skipped(SkipReason.NOT_TERMINAL)
        return None if row.has_logits else skipped(SkipReason.NO_LOGITS)

    def _decide_rows(self, rows: Sequence[Row], logits: NDArray[np.float16]) -> list[Decision]:
        masked = mask_rows(logits, self.kept, reweight=self.config.reweight)
        decisions = [
            self._decide_row(row, int(winner), float(score))
            for row, winner, score in zip(rows, masked.winners, masked.scores, strict=True)
        ]
        changed = [place for place, decision in enumerate(decisions) if decision.verdict is not None]
        ranked = rank_kept(logits[changed], self.kept, masked.scores[changed], top=_TOP)
        for place, classes in zip(changed, ranked, strict=True):
            decisions[place] = self._with_top(decisions[place], classes)
        return decisions

    def _decide_row(self, row: Row, winner: int, score: float) -> Decision:
        if winner in {INVALID, NO_WINNER}:
            return skipped(SkipReason.NOT_FINITE if winner == INVALID else SkipReason.NO_WINNER)
        label = self.kept_labels[winner]
        source = self._applied_to(row)
        is_same = label.label == source.label and abs(score - source.score) <= TOLERANCE
        if is_same or (self.config.only_when_taxon_changes and label.taxon_id == source.taxon_id):
            return back_to(source, row.terminal_id)
        verdict = Verdict(self.output_id, source.id, label.label, label.taxon_id, score, ())
        return Decision(Outcome.CHANGED, verdict=verdict)

    def _applied_to(self, row: Row) -> Present:
        if self.base_id is not None:
            return Present(row.terminal_id, row.terminal_label, row.terminal_taxon_id, row.terminal_score)
        return Present(row.raw_id, row.raw_label, row.raw_taxon_id, row.raw_score)

    def _with_top(self, decision: Decision, classes: Sequence[tuple[int, float]]) -> Decision:
        verdict = decision.verdict
        if verdict is None:
            return decision
        top = [_ranked(self.kept_labels[index], score) for index, score in classes]
        ranked = Verdict(
            verdict.algorithm_id, verdict.applied_to_id, verdict.label, verdict.taxon_id, verdict.score, top
        )
        return Decision(decision.outcome, verdict=ranked)


def _ranked(label: MapLabel, score: float) -> dict[str, object]:
    return {"label": label.label, "score": score, "taxon_id": label.taxon_id and str(label.taxon_id)}


async def prepare_masking(db: Session, project_id: UUID, scope: RunScope, document: Document) -> MaskingPlan:
    """The plan; raises MethodRefused when no class is kept, or the source cannot be masked."""
    config = MaskingConfig.model_validate(document)
    source = await find_source(db, project_id, config.algorithm_id)
    taxa_list = await queries.find_taxa_list(db, project_id, config.taxa_list_id)
    if taxa_list is None:
        raise MethodRefused("the project has no such taxa list, and there is none for everybody")
    base = source.derived.get(config.algorithm_id) if config.compose is Compose.INTERSECT else None
    labels = await queries.kept_labels(
        db, source.category_map_id, taxa_list.id, include_descendants=config.include_descendants
    )
    if base is not None:
        indexes = set((await kept_by(db, base)).tolist())
        labels = [label for label in labels if label.index in indexes]
    if not labels:
        raise MethodRefused(
            f"the list {taxa_list.name} keeps none of the {source.size} labels of {source.algorithm.name} "
            f"({source.unresolved} of them name no known taxon): choose another list, or import the missing taxa"
        )
    parameters: Document = {
        "taxa_list_id": str(taxa_list.id),
        "taxa_list": taxa_list.name,
        "fingerprint": taxa_list.fingerprint,
        "kept": queries.content_print([[label.index, str(label.taxon_id)] for label in labels]),
        "include_descendants": config.include_descendants,
        "reweight": config.reweight,
    }
    output_id = await queries.output_algorithm(
        db,
        MethodKey.CLASS_MASKING,
        base or source.algorithm,
        parameters,
        name=f"masked to {taxa_list.name}, {'reweighted' if config.reweight else 'not reweighted'}",
        labels=labels,
    )
    kept = np.array([label.index for label in labels], np.intp)
    by_index = {label.index: label for label in labels}
    selection = Selection(project_id, scope, source.algorithm.id)
    return MaskingPlan(selection, source, kept, by_index, output_id, base and base.id, config)


CLASS_MASKING = register(
    Method(
        MethodKey.CLASS_MASKING,
        "Class masking",
        "Gives each observation the best class among those that a taxa list keeps.",
        MaskingConfig,
        frozenset(ScopeKind),
        prepare_masking,
    )
)
