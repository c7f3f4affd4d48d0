"""The method rank roll-up: the lowest rank at which the classes below one taxon gather enough probability."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from expert.postprocessing.mask_classes import has_invalid, log_sum_exp
from expert.postprocessing.queries_selection import Row, Selection
from expert.postprocessing.register import Method, MethodConfig, register
from expert.postprocessing.roll_up_ranks import (
    DEFAULT_THRESHOLDS,
    Candidates,
    RolledUp,
    RollUpMode,
    Thresholds,
    rank_candidates,
    roll_up_rows,
)
from expert.postprocessing.state import (
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
from expert.taxa.state import RANKS, TaxonRank
from trapper_kit.db import Session

_VALUES_AT_ONCE = 1 << 20
"""Probabilities of a step: 8 MiB in double precision."""


class RollUpConfig(MethodConfig):
    """The settings of rank roll-up."""

    algorithm_id: UUID = Field(description="the model whose logits are rolled up, after any mask")
    thresholds: Thresholds = Field(
        min_length=1, default_factory=lambda: dict(DEFAULT_THRESHOLDS), description="the least probability by rank"
    )
    mode: RollUpMode = Field(
        default=RollUpMode.LINEAGE, description="lineage only generalizes; distribution takes the best of each rank"
    )
    strictly_above: bool = Field(default=False, description="whether a threshold must be exceeded, not only reached")


@dataclass(frozen=True)
class RollUpPlan:
    """Rank roll-up of one model; each mask of the model has an output algorithm of its own."""

    selection: Selection
    source: Source
    candidates: Sequence[Candidates]
    taxa: Mapping[str, tuple[UUID, str]]
    """The id and the name of each candidate."""
    kept_by: Mapping[UUID, NDArray[np.intp]]
    """The indexes of the classes that each mask keeps."""
    config: RollUpConfig
    outputs: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])

    @property
    def labels(self) -> int:
        """Numbers per row."""
        return self.source.size

    @property
    def facts(self) -> Document:
        """How many labels have a lineage."""
        with_lineage = {int(label) for each in self.candidates for label in np.flatnonzero(each.group >= 0)}
        return {**facts_of(self.source), "labels_with_lineage": len(with_lineage)}

    async def decide(self, work: ExpertWork, db: Session, rows: Sequence[Row]) -> list[Decision]:
        """A decision for each observation."""
        decisions: dict[UUID, Decision] = {}
        waiting: dict[UUID, tuple[Row, Present, UUID]] = {}
        for row in rows:
            reason = self.source.refusal(row) or (None if row.has_logits else SkipReason.NO_LOGITS)
            if reason is not None:
                decisions[row.observation_id] = skipped(reason)
                continue
            source, algorithm_id = self._source_of(row)
            if row.terminal_algorithm_id == await self._output(db, algorithm_id):
                decisions[row.observation_id] = UNCHANGED
            else:
                waiting[row.raw_id] = row, source, algorithm_id
        async for piece in read_logits(work, list(waiting)):
            known = [waiting[prediction_id] for prediction_id in piece.prediction_ids]
            if isinstance(piece, UnreadLogits):
                decided = [skipped(SkipReason.UNREADABLE)] * len(known)
            elif piece.values.shape[1] != self.labels:
                decided = [skipped(SkipReason.WRONG_LENGTH)] * len(known)
            else:
                decided = await asyncio.to_thread(self._decide_rows, known, piece.values)
            decisions |= {row.observation_id: each for (row, _, _), each in zip(known, decided, strict=True)}
        return [decisions.get(row.observation_id, skipped(SkipReason.NO_LOGITS)) for row in rows]

    def _source_of(self, row: Row) -> tuple[Present, UUID]:
        """What is rolled up: the model's prediction or that of a mask, and its algorithm."""
        derived = self.source.derived.get(row.terminal_algorithm_id)
        if self.source.method_of(row.terminal_algorithm_id) is MethodKey.RANK_ROLLUP and row.applied_to_id and derived:
            applied = Present(
                row.applied_to_id, row.applied_to_label or "", row.applied_to_taxon_id, row.applied_to_score or 0.0
            )
            return applied, derived.derived_from_id or self.source.algorithm.id
        terminal = Present(row.terminal_id, row.terminal_label, row.terminal_taxon_id, row.terminal_score)
        return terminal, row.terminal_algorithm_id

    async def _output(self, db: Session, algorithm_id: UUID) -> UUID:
        if algorithm_id not in self.outputs:
            source = self.source.derived.get(algorithm_id, self.source.algorithm)
            parameters = self.config.model_dump(mode="json", exclude={"algorithm_id"})
            parameters["taxa"] = queries.content_print([[each.taxa, each.group.tolist()] for each in self.candidates])
            name = f"rolled up, {self.config.mode.value}"
            self.outputs[algorithm_id] = await queries.output_algorithm(
                db, MethodKey.RANK_ROLLUP, source, parameters, name=name
            )
        return self.outputs[algorithm_id]

    def _decide_rows(self, known: Sequence[tuple[Row, Present, UUID]], logits: NDArray[np.float16]) -> list[Decision]:
        decisions: list[Decision] = [skipped(SkipReason.NO_WINNER)] * len(known)
        step = max(1, _VALUES_AT_ONCE // max(1, self.labels))
        by_source: dict[UUID, list[int]] = {}
        for place, (_, _, algorithm_id) in enumerate(known):
            by_source.setdefault(algorithm_id, []).append(place)
        for algorithm_id, places in by_source.items():
            for start in range(0, len(places), step):
                part = places[start : start + step]
                decided = self._decide_part([known[place] for place in part], logits[part], algorithm_id)
                for place, decision in zip(part, decided, strict=True):
                    decisions[place] = decision
        return decisions

    def _decide_part(
        self, known: Sequence[tuple[Row, Present, UUID]], logits: NDArray[np.float16], algorithm_id: UUID
    ) -> list[Decision]:
        invalid = has_invalid(logits)
        probabilities = self._probabilities(np.where(invalid[:, None], 0, logits), algorithm_id)
        config = self.config
        results = roll_up_rows(
            probabilities, self.candidates, config.thresholds, mode=config.mode, strictly_above=config.strictly_above
        )
        empty = probabilities.max(axis=1) <= 0
        return [
            skipped(SkipReason.NOT_FINITE if invalid[place] else SkipReason.NO_WINNER)
            if invalid[place] or empty[place]
            else self._decide_row(row, source, results[place], self.outputs[algorithm_id])
            for place, (row, source, _) in enumerate(known)
        ]

    def _probabilities(self, logits: NDArray[np.float16], algorithm_id: UUID) -> NDArray[np.float64]:
        """The probabilities of all classes; exactly 0 for those that a mask excluded."""
        values = logits.astype(np.float64)
        kept = self.kept_by.get(algorithm_id)
        mask = self.source.derived.get(algorithm_id)
        reweight = mask is not None and bool(mask.parameters.get("reweight"))
        total = log_sum_exp(values[:, kept] if kept is not None and reweight else values)
        with np.errstate(invalid="ignore", under="ignore"):
            probabilities = np.nan_to_num(np.exp(values - total[:, None]), nan=0.0)
        if kept is None:
            return probabilities
        masked = np.zeros_like(probabilities)
        masked[:, kept] = probabilities[:, kept]
        return masked

    def _decide_row(self, row: Row, source: Present, result: RolledUp | None, output_id: UUID) -> Decision:
        if result is None:
            return back_to(source, row.terminal_id)
        taxon_id, name = self.taxa[result.taxon]
        if taxon_id == source.taxon_id:
            return back_to(source, row.terminal_id)
        sign = "exceeds" if self.config.strictly_above else "reaches"
        rule = f"{result.rank.value} {sign} {self.config.thresholds[result.rank]:g}"
        top: list[dict[str, object]] = [{"label": name, "score": result.score, "taxon_id": str(taxon_id)}]
        verdict = Verdict(output_id, source.id, name, taxon_id, result.score, top, rule)
        return Decision(Outcome.CHANGED, verdict=verdict)


async def prepare_rollup(db: Session, project_id: UUID, scope: RunScope, document: Document) -> RollUpPlan:
    """The plan; raises MethodRefused when no label has an ancestor at a rank that counts."""
    config = RollUpConfig.model_validate(document)
    source = await find_source(db, project_id, config.algorithm_id)
    lineages = await queries.lineages_of(db, source.category_map_id)
    own = await queries.named_lineages_of(db, source.category_map_id)
    ancestors = [  # of the label's taxon; the lineage that the model gives it fills the ranks that no checklist does
        [*own.get(label.index, ()), *lineages.get(label.taxon_id, ())] if label.taxon_id is not None else []
        for label in await queries.labels_of(db, source.category_map_id)
    ]
    named = {str(taxon_id): (taxon_id, name) for lineage in ancestors for _, taxon_id, name in lineage}
    by_label = [
        {TaxonRank(rank): str(taxon_id) for rank, taxon_id, _ in lineage if rank in RANKS} for lineage in ancestors
    ]
    candidates = rank_candidates(by_label, list(config.thresholds))
    if not candidates:
        ranks = ", ".join(config.thresholds)
        raise MethodRefused(f"no label of {source.algorithm.name} has a taxon of these ranks: {ranks}")
    masks = {key: row for key, row in source.derived.items() if row.method == MethodKey.CLASS_MASKING.value}
    kept = {key: await kept_by(db, mask) for key, mask in masks.items()}
    return RollUpPlan(Selection(project_id, scope, source.algorithm.id), source, candidates, named, kept, config)


RANK_ROLLUP = register(
    Method(
        MethodKey.RANK_ROLLUP,
        "Rank roll-up",
        "Gives each observation the lowest taxon whose classes together are probable enough.",
        RollUpConfig,
        frozenset(ScopeKind),
        prepare_rollup,
    )
)
