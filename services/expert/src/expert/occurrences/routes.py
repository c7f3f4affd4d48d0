"""Occurrences: list, read, identify, withdraw an identification, compute determinations again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from expert.access.find_row import find_row
from expert.access.guards import MayAnnotate, MayRead
from expert.deps import Db, Work
from expert.observations import queries as observations
from expert.observations.build_reply import build_reply
from expert.observations.state import Confidence, ObservationType
from expert.occurrences import queries, queries_identify
from expert.occurrences.identify import NewIdentification, identify_many, withdraw_many
from expert.occurrences.models import Identification, Occurrence
from expert.occurrences.queries import Appearance, OccurrenceFilter
from expert.occurrences.recompute import recompute
from expert.occurrences.schemas import (
    DeterminationReply,
    DeterminedTaxon,
    IdentificationReply,
    IdentificationResult,
    IdentificationResults,
    NewIdentifications,
    OccurrenceDetail,
    OccurrenceReply,
    RecomputedOccurrences,
    RecomputedResult,
    RecomputedResults,
    WithdrawalResult,
    WithdrawalResults,
    WithdrawnIdentifications,
)
from expert.occurrences.state import DeterminationSource
from expert.occurrences.trace_determination import trace_determination
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import NotFound, Problem
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, Ids, Limit
from trapper_schemas.paging import Page
from trapper_schemas.problem import ProblemBody
from trapper_schemas.times import Moment

router = APIRouter(prefix="/api/occurrences", tags=["occurrences"])

_SHOWN = 200
_Ids = Annotated[list[UUID] | None, Query(max_length=200)]


@router.get("/")
async def list_all(
    caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    classification_project_id: _Ids = None,
    linked_collection_id: _Ids = None,
    deployment_id: _Ids = None,
    sequence_id: _Ids = None,
    resource_id: _Ids = None,
    observation_type: Annotated[list[ObservationType] | None, Query()] = None,
    taxon_id: Annotated[
        list[UUID] | None, Query(max_length=200, description="determined so, or as a taxon below")
    ] = None,
    algorithm_id: Annotated[
        list[UUID] | None, Query(max_length=200, description="with a prediction of one of these algorithms")
    ] = None,
    source: Annotated[list[DeterminationSource] | None, Query(description="of the determination")] = None,
    identified: Annotated[bool | None, Query(description="whether an identification of a person stands")] = None,
    unmatched: Annotated[bool | None, Query(description="identified, and the newest AI run saw nothing there")] = None,
    min_score: Annotated[Confidence | None, Query(description="of the determination; a person's has none")] = None,
    max_score: Annotated[Confidence | None, Query(description="of the determination; a person's has none")] = None,
    captured_from: Annotated[Moment | None, Query(description="seen at this moment or later")] = None,
    captured_until: Annotated[Moment | None, Query(description="seen before this moment")] = None,
) -> Page[OccurrenceReply]:
    """List occurrences of the caller's projects, oldest first; one without a current observation is left out."""
    given = OccurrenceFilter(
        id,
        classification_project_id,
        linked_collection_id,
        deployment_id,
        sequence_id,
        resource_id,
        observation_type,
        taxon_id,
        algorithm_id,
        source,
        identified,
        unmatched,
        min_score,
        max_score,
        captured_from,
        captured_until,
    )
    page_request = PageRequest.of(limit, cursor, vars(given))
    rows, following = split(
        await queries.list_visible(db, caller, page_request, given), page_request, lambda row: [row[0].id]
    )
    seen = await queries.appearances(db, caller, [row[0].id for row in rows])
    items = [_reply(row, name, seen[row.id], is_identified=identified) for row, name, identified in rows]
    return Page(items=items, next_cursor=following)


@router.post("/identifications/")
async def identify(body: NewIdentifications, caller: MayAnnotate, work: Work, db: Db) -> IdentificationResults:
    """Identify occurrences; of one person the latest identification of an occurrence stands."""
    items = [NewIdentification(**item.model_dump()) for item in body.items]
    results = await identify_many(db, caller, items, now=work.clock.now())
    return IdentificationResults(
        items=[
            IdentificationResult(
                occurrence_id=item.occurrence_id,
                identification_id=None if isinstance(result, Problem) else result,
                problem=_problem(result),
            )
            for item, result in zip(items, results, strict=True)
        ]
    )


@router.post("/identifications/withdraw/")
async def withdraw(body: WithdrawnIdentifications, caller: MayAnnotate, work: Work, db: Db) -> WithdrawalResults:
    """Withdraw own identifications; the former ones of the same occurrences stand again."""
    results = await withdraw_many(db, caller, body.identification_ids, now=work.clock.now())
    return WithdrawalResults(
        items=[
            WithdrawalResult(identification_id=identification_id, problem=_problem(result))
            for identification_id, result in zip(body.identification_ids, results, strict=True)
        ]
    )


@router.post("/recompute")
async def compute_again(body: RecomputedOccurrences, caller: MayAnnotate, db: Db) -> RecomputedResults:
    """Compute the determinations of occurrences again; they are refreshed by every change without it."""
    results = await recompute(db, caller, body.occurrence_ids)
    return RecomputedResults(
        items=[
            RecomputedResult(occurrence_id=occurrence_id, changed=result is True, problem=_problem(result))
            for occurrence_id, result in zip(body.occurrence_ids, results, strict=True)
        ]
    )


@router.get("/{occurrence_id}/", responses=problems(NotFound))
async def read(occurrence_id: UUID, caller: MayRead, db: Db) -> OccurrenceDetail:
    """Read one occurrence with its identifications, its observations and the predictions behind them."""
    await find_row(db, Occurrence, queries.visible_to(caller), occurrence_id, noun="occurrence")
    row, name, identified = await queries.read(db, occurrence_id)
    members = await queries.members(db, caller, occurrence_id, limit=_SHOWN)
    predictions = await observations.predictions_of(db, [observation.id for observation, _ in members])
    named = await queries_identify.of_occurrences(db, [occurrence_id])
    seen = (await queries.appearances(db, caller, [occurrence_id]))[occurrence_id]
    return OccurrenceDetail(
        **_reply(row, name, seen, is_identified=identified).model_dump(),
        identifications=[_identification(row, taxon, person) for row, taxon, person in named],
        observations=[
            build_reply(member, taxon, predictions.get(member.id, ()), with_all=True) for member, taxon in members
        ],
        chain=await trace_determination(db, caller, occurrence_id, {each.id: each for each, _, _ in named}),
    )


def _reply(row: Occurrence, name: str | None, seen: Appearance, *, is_identified: bool) -> OccurrenceReply:
    duration = None if seen.first_at is None or seen.last_at is None else seen.last_at - seen.first_at
    return OccurrenceReply(
        id=row.id,
        classification_project_id=row.classification_project_id,
        linked_collection_id=seen.linked_collection_id,
        deployment_id=seen.deployment_id,
        sequence_id=seen.sequence_id,
        observation_type=seen.observation_type,
        determination=_determination(row, name),
        is_identified=is_identified,
        is_unmatched=row.is_unmatched,
        first_at=seen.first_at,
        last_at=seen.last_at,
        duration_seconds=None if duration is None else duration.total_seconds(),
        resource_count=seen.resources,
        observation_count=seen.observations,
        best_observation_id=seen.best_observation_id,
        best_resource_id=seen.best_resource_id,
    )


def _determination(row: Occurrence, name: str | None) -> DeterminationReply | None:
    if row.determination_source is None:
        return None
    taxon = None
    if row.determination_taxon_id is not None and name is not None:
        taxon = DeterminedTaxon(id=row.determination_taxon_id, scientific_name=name)
    return DeterminationReply(taxon=taxon, score=row.determination_score, source=row.determination_source)


def _identification(row: Identification, taxon: str, person: str | None) -> IdentificationReply:
    return IdentificationReply(
        id=row.id,
        occurrence_id=row.occurrence_id,
        created_by=row.created_by,
        person=person,
        taxon_id=row.taxon_id,
        scientific_name=taxon,
        prediction_id=row.prediction_id,
        agreed_with_id=row.agreed_with_id,
        comment=row.comment,
        created_at=row.created_at,
        is_standing=row.withdrawn_at is None and row.replaced_by_id is None,
        withdrawn_at=row.withdrawn_at,
    )


def _problem(result: object) -> ProblemBody | None:
    return result.body(None) if isinstance(result, Problem) else None
