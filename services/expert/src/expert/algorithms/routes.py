"""Algorithms and their labels: list, read."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from expert.access.guards import MayRead
from expert.algorithms import queries
from expert.algorithms.queries import AlgorithmFilter, Described
from expert.algorithms.schemas import AlgorithmDetail, AlgorithmReply
from expert.algorithms.state import AlgorithmKind, AlgorithmSummary, LabelReply
from expert.deps import Db
from trapper_kit.db import Session
from trapper_kit.paging import MAX_LIMIT, PageRequest, split
from trapper_kit.problems import NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, Ids, Limit, Name
from trapper_schemas.paging import Page

router = APIRouter(prefix="/api/algorithms", tags=["algorithms"])


def _reply(described: Described) -> AlgorithmReply:
    row, source = described.algorithm, described.derived_from
    return AlgorithmReply(
        id=row.id,
        kind=row.kind,
        name=row.name,
        version=row.version,
        key=row.key,
        sha256=row.sha256,
        parameters=row.parameters,
        derived_from=source and AlgorithmSummary.model_validate(source, from_attributes=True),
        label_count=described.label_count,
        created_at=row.created_at,
    )


async def _find(db: Session, algorithm_id: UUID) -> Described:
    row = await queries.read(db, algorithm_id)
    if row is None:
        raise NotFound("there is no such algorithm")
    return (await queries.describe(db, [row]))[0]


async def _labels(
    db: Session, algorithm_id: UUID, page_request: PageRequest, name: str | None = None
) -> Page[LabelReply]:
    rows = await queries.list_labels(db, algorithm_id, page_request, name=name)
    items, following = split(rows, page_request, lambda row: [row.index])
    return Page(items=[LabelReply.model_validate(row, from_attributes=True) for row in items], next_cursor=following)


@router.get("/")
async def list_all(
    _caller: MayRead,
    db: Db,
    limit: Limit = 50,
    cursor: Cursor = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    name: Name = None,
    kind: Annotated[list[AlgorithmKind] | None, Query()] = None,
    sha256: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="of the weights")] = None,
    derived_from_id: Annotated[UUID | None, Query(description="derived from this algorithm")] = None,
) -> Page[AlgorithmReply]:
    """List algorithms that make predictions, oldest first."""
    given = AlgorithmFilter(id, name, kind, sha256, derived_from_id)
    page_request = PageRequest.of(limit, cursor, vars(given))
    rows = await queries.list_algorithms(db, page_request, given)
    items, following = split(rows, page_request, lambda row: [row.id])
    return Page(items=[_reply(row) for row in await queries.describe(db, items)], next_cursor=following)


@router.get("/{algorithm_id}/", responses=problems(NotFound))
async def read(algorithm_id: UUID, _caller: MayRead, db: Db) -> AlgorithmDetail:
    """Read one algorithm with its first labels."""
    described = await _find(db, algorithm_id)
    labels = await _labels(db, algorithm_id, PageRequest.of(MAX_LIMIT, None, {}))
    return AlgorithmDetail(**_reply(described).model_dump(), labels=labels.items)


@router.get("/{algorithm_id}/labels/", responses=problems(NotFound))
async def list_labels(
    algorithm_id: UUID, _caller: MayRead, db: Db, limit: Limit = 50, cursor: Cursor = None, name: Name = None
) -> Page[LabelReply]:
    """List the labels of an algorithm in index order."""
    await _find(db, algorithm_id)
    page_request = PageRequest.of(limit, cursor, {"algorithm": algorithm_id, "name": name})
    return await _labels(db, algorithm_id, page_request, name)
