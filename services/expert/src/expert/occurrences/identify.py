"""Identify occurrences and withdraw identifications: many at once, each refused by itself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.occurrences import queries, queries_identify
from expert.occurrences.errors import IdentificationEnded, IdentificationRefused
from expert.occurrences.models import Identification
from expert.occurrences.queries_determine import refresh_determinations
from trapper_kit.db import Session
from trapper_kit.problems import Forbidden, NotFound, Problem
from trapper_schemas.ids import uuid7

_ABSENT = NotFound("there is no such occurrence, or none that you may see")


@dataclass(frozen=True)
class NewIdentification:
    """An occurrence and its taxon: given, or that of a prediction or of another person's identification."""

    occurrence_id: UUID
    taxon_id: UUID | None = None
    prediction_id: UUID | None = None
    agreed_with_id: UUID | None = None
    comment: str | None = None


@dataclass(frozen=True)
class _Known:
    """What the database knows of the things that identifications name."""

    refusals: Mapping[UUID, Problem]
    """Of occurrences that the caller may not identify."""
    predictions: Mapping[UUID, tuple[UUID | None, UUID | None]]
    agreed: Mapping[UUID, Identification]
    taxa: Collection[UUID]
    own: Mapping[UUID, Identification]


async def identify_many(
    db: Session, caller: Caller, items: Sequence[NewIdentification], *, now: datetime
) -> list[UUID | Problem]:
    """For each item the id of the identification that stands now, or why it is refused; the others are kept."""
    known = await _known(db, caller, items)
    results: list[UUID | Problem] = []
    rows: list[dict[str, object]] = []
    successors: dict[UUID, UUID] = {}
    seen: set[UUID] = set()
    identified: set[UUID] = set()
    for item in items:
        is_repeated = item.occurrence_id in seen
        seen.add(item.occurrence_id)
        try:
            taxon_id = _check(item, known, caller, is_repeated=is_repeated)
        except Problem as problem:
            results.append(problem)
            continue
        former = known.own.get(item.occurrence_id)
        if former is not None and _says_the_same(former, item, taxon_id):
            results.append(former.id)
            continue
        identification_id = uuid7()
        if former is not None:
            successors[former.id] = identification_id
        identified.add(item.occurrence_id)
        rows.append(_row(identification_id, item, taxon_id, caller, now))
        results.append(identification_id)
    if rows:
        await queries_identify.replace(db, successors, rows)
        await refresh_determinations(db, identified)
    return results


async def withdraw_many(
    db: Session, caller: Caller, identification_ids: Sequence[UUID], *, now: datetime
) -> list[Problem | None]:
    """For each of the caller's identifications None, or why it is not withdrawn."""
    named = await queries_identify.by_ids(db, set(identification_ids))
    refused = await refusals(db, caller, {row.occurrence_id for row in named.values()})
    present = await queries_identify.by_ids(db, set(identification_ids))  # as they are under the lock
    results: list[Problem | None] = []
    chosen: dict[UUID, UUID] = {}
    for identification_id in identification_ids:
        try:
            row = _standing(present.get(identification_id), refused, caller)
        except Problem as problem:
            results.append(problem)
        else:
            chosen[row.id] = row.occurrence_id
            results.append(None)
    if chosen:
        await queries_identify.withdraw(db, chosen, now=now)
        await refresh_determinations(db, set(chosen.values()))
    return results


async def refusals(db: Session, caller: Caller, occurrence_ids: Collection[UUID]) -> dict[UUID, Problem]:
    """Why the caller may not identify some of these occurrences; the others are locked."""
    projects = await queries_identify.lock_visible(db, occurrence_ids, visible=queries.visible_to(caller))
    refused: dict[UUID, Problem] = {}
    for project_id in set(projects.values()):
        try:
            await require(db, caller, Capability.ANNOTATE, classification_project=project_id, missing=_ABSENT)
        except (Forbidden, NotFound) as problem:
            refused[project_id] = problem
    problems = {each: refused[projects[each]] for each in projects if projects[each] in refused}
    return {each: _ABSENT for each in occurrence_ids if each not in projects} | problems


async def _known(db: Session, caller: Caller, items: Sequence[NewIdentification]) -> _Known:
    occurrence_ids = {item.occurrence_id for item in items}
    return _Known(
        await refusals(db, caller, occurrence_ids),
        await queries_identify.predictions(db, {item.prediction_id for item in items if item.prediction_id}),
        await queries_identify.by_ids(db, {item.agreed_with_id for item in items if item.agreed_with_id}),
        await queries_identify.known_taxa(db, {item.taxon_id for item in items if item.taxon_id}),
        await queries_identify.own_standing(db, occurrence_ids, by=caller.id),
    )


def _check(item: NewIdentification, known: _Known, caller: Caller, *, is_repeated: bool) -> UUID:
    """The taxon of an identification; raises the Problem for which it is refused."""
    if item.occurrence_id in known.refusals:
        raise known.refusals[item.occurrence_id]
    if is_repeated:
        raise IdentificationRefused("the occurrence is named twice: give one identification for each")
    if item.prediction_id is not None:
        return _predicted(item, known.predictions.get(item.prediction_id, (None, None)))
    if item.agreed_with_id is not None:
        return _agreed(item, known.agreed.get(item.agreed_with_id), caller)
    if item.taxon_id is None or item.taxon_id not in known.taxa:
        raise IdentificationRefused("there is no such taxon")
    return item.taxon_id


def _standing(row: Identification | None, refused: Mapping[UUID, Problem], caller: Caller) -> Identification:
    """The caller's identification; raises the Problem for which it is not withdrawn."""
    if row is None or row.created_by != caller.id:
        raise NotFound("there is no such identification of yours")
    if row.occurrence_id in refused:
        raise refused[row.occurrence_id]
    if row.withdrawn_at is not None or row.replaced_by_id is not None:
        raise IdentificationEnded
    return row


def _predicted(item: NewIdentification, prediction: tuple[UUID | None, UUID | None]) -> UUID:
    occurrence_id, taxon_id = prediction
    if occurrence_id != item.occurrence_id:
        raise IdentificationRefused("the prediction is of no observation of this occurrence")
    if taxon_id is None:
        raise IdentificationRefused("the prediction names no taxon: give taxon_id")
    return taxon_id


def _agreed(item: NewIdentification, agreed: Identification | None, caller: Caller) -> UUID:
    if agreed is None or agreed.occurrence_id != item.occurrence_id:
        raise IdentificationRefused("there is no such identification of this occurrence")
    if agreed.created_by == caller.id:
        raise IdentificationRefused("the identification is your own: name that of another person")
    if agreed.withdrawn_at is not None or agreed.replaced_by_id is not None:
        raise IdentificationRefused("the identification does not stand any more: give taxon_id")
    return agreed.taxon_id


def _says_the_same(former: Identification, item: NewIdentification, taxon_id: UUID) -> bool:
    kept = (former.taxon_id, former.prediction_id, former.agreed_with_id, former.comment)
    return kept == (taxon_id, item.prediction_id, item.agreed_with_id, item.comment)


def _row(
    identification_id: UUID, item: NewIdentification, taxon_id: UUID, caller: Caller, now: datetime
) -> dict[str, object]:
    return {
        "id": identification_id,
        "occurrence_id": item.occurrence_id,
        "created_by": caller.id,
        "taxon_id": taxon_id,
        "prediction_id": item.prediction_id,
        "agreed_with_id": item.agreed_with_id,
        "comment": item.comment,
        "created_at": now,
    }
