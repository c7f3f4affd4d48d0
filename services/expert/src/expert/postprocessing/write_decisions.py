"""Writes what a method decided: new terminal predictions, sources that count no more, and fresh determinations."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from expert.occurrences.queries_determine import refresh_determinations
from expert.postprocessing import queries_changes as queries
from expert.postprocessing.queries_changes import ObservationValues
from expert.postprocessing.queries_selection import Row
from expert.postprocessing.state import Decision, Outcome, SkipReason, Verdict, skipped
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7

Pair = tuple[str, str]
"""The labels before and after."""


@dataclass
class Written:
    """What became of the observations of a batch."""

    counters: Counter[str] = field(default_factory=Counter[str])
    pairs: Counter[Pair] = field(default_factory=Counter[Pair])
    examples: list[dict[str, str]] = field(default_factory=list[dict[str, str]])


async def write_decisions(
    db: Session, operation_id: UUID | None, rows: Sequence[Row], decisions: Sequence[Decision], *, now: datetime
) -> Written:
    """Write the changes of one batch in the caller's transaction; rows that a person touched meanwhile are skipped.

    Without an operation (a dry run in one request) the changes are made, but not noted, and the caller rolls back.
    """
    changes = [(row, each) for row, each in zip(rows, decisions, strict=True) if each.outcome in _CHANGING]
    occurrences = {row.occurrence_id for row, _ in changes if row.occurrence_id is not None}
    if changes:
        await queries.lock(db, {row.classification_id for row, _ in changes}, occurrences)
        expected = [(row.observation_id, row.terminal_id) for row, _ in changes]
        free = await queries.still_untouched(db, expected, is_current=True)
        changes = [(row, each) for row, each in changes if row.observation_id in free]
        decisions = [
            skipped(SkipReason.CHANGED_MEANWHILE)
            if each.outcome in _CHANGING and row.observation_id not in free
            else each
            for row, each in zip(rows, decisions, strict=True)
        ]
    written = _report(rows, decisions)
    if changes:
        before = await queries.determinations(db, occurrences)
        await _write(db, operation_id, changes, now=now)
        changed = await refresh_determinations(db, occurrences)
        if operation_id is None:
            written.counters["determinations_changed"] = len(changed)
        else:
            first = await queries.add_determination_changes(db, operation_id, before, changed)
            written.counters["determinations_changed"] = first
    return written


_CHANGING = frozenset({Outcome.CHANGED, Outcome.RESTORED})


def _report(rows: Sequence[Row], decisions: Sequence[Decision]) -> Written:
    written = Written()
    for row, decision in zip(rows, decisions, strict=True):
        written.counters["checked"] += 1
        written.counters[decision.outcome.value] += 1
        if decision.reason is not None:
            written.counters[f"skipped_{decision.reason.value}"] += 1
        if decision.outcome in _CHANGING:
            counts = decision.verdict or decision.restored
            after = counts.label if counts else ""
            written.pairs[row.terminal_label, after] += 1
            written.examples.append(
                {"observation_id": str(row.observation_id), "before": row.terminal_label, "after": after}
            )
    return written


async def _write(
    db: Session, operation_id: UUID | None, changes: Sequence[tuple[Row, Decision]], *, now: datetime
) -> None:
    ids = iter(sorted(uuid7() for _ in changes))
    predictions: list[Sequence[object]] = []
    noted: list[Sequence[object]] = []
    values: list[ObservationValues] = []
    restored: list[UUID] = []
    for row, decision in changes:
        after_id = decision.restored.id if decision.restored else next(ids)
        if decision.restored is not None:
            restored.append(after_id)
        if decision.verdict is not None:
            predictions.append(_prediction(after_id, row, decision.verdict, now))
        values.append(_values(row, decision))
        noted.append(_change(operation_id, row, after_id, is_new=decision.restored is None))
    await queries.demote(db, [row.terminal_id for row, _ in changes])
    await queries.promote(db, restored)
    await queries.add_predictions(db, predictions)
    await queries.set_values(db, values)
    if operation_id is not None:
        await queries.add_changes(db, noted)


def _prediction(prediction_id: UUID, row: Row, verdict: Verdict, now: datetime) -> Sequence[object]:
    return (
        prediction_id,
        row.observation_id,
        verdict.algorithm_id,
        verdict.taxon_id,
        verdict.label,
        verdict.score,
        json.dumps(list(verdict.top_k), ensure_ascii=False),
        True,
        verdict.applied_to_id,
        verdict.rule,
        now,
    )


def _values(row: Row, decision: Decision) -> ObservationValues:
    kind, verdict = row.observation_type, decision.verdict
    if verdict is not None and verdict.observation_type is not None:  # the type changes, and no class was computed
        return ObservationValues(
            row.observation_id, verdict.taxon_id, verdict.label, row.classification_confidence, verdict.observation_type
        )
    counts = verdict or decision.restored
    if counts is None:
        raise AssertionError("only changes are written")
    return ObservationValues(row.observation_id, counts.taxon_id, counts.label, counts.score, kind)


def _change(operation_id: UUID | None, row: Row, after_id: UUID, *, is_new: bool) -> Sequence[object]:
    return (
        operation_id,
        row.observation_id,
        row.terminal_id,
        after_id,
        is_new,
        row.taxon_id,
        row.label,
        row.classification_confidence,
        row.observation_type.value,
    )
