"""Statements about runs."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from expert.access.queries import readable_classification_projects
from expert.access.state import Caller
from expert.algorithms.models import Algorithm
from expert.jobs.run_stages import POST_PROCESS
from expert.operations.models import Operation
from expert.operations.state import CLOSED
from expert.postprocessing.models import PostprocessingRun
from expert.postprocessing.state import RUN, UNDO, MethodKey, RunReport
from trapper_kit.db import Session
from trapper_kit.paging import PageRequest, page_of
from trapper_kit.problems import NotFound


@dataclass(frozen=True)
class RunFilter:
    """What the list of runs is filtered by."""

    id: Sequence[UUID]
    classification_project_id: Sequence[UUID]
    method: Sequence[MethodKey]


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Those of the caller's classification projects."""
    return PostprocessingRun.classification_project_id.in_(readable_classification_projects(caller))


async def list_runs(
    db: Session, caller: Caller, page_request: PageRequest, given: RunFilter
) -> list[tuple[PostprocessingRun, Operation]]:
    """A page of runs with their operations, newest first."""
    statement = select(PostprocessingRun).where(visible_to(caller))
    for column, values in (
        (PostprocessingRun.classification_project_id, given.classification_project_id),
        (PostprocessingRun.method, given.method),
    ):
        if values:
            statement = statement.where(column.in_(values))
    paged = page_of(
        statement, [PostprocessingRun.operation_id], page_request, [UUID], newest_first=True, ids=given.id or None
    )
    runs = (await db.scalars(paged)).all()
    operations = await db.scalars(select(Operation).where(Operation.id.in_([run.operation_id for run in runs])))
    by_id = {operation.id: operation for operation in operations}
    return [(run, by_id[run.operation_id]) for run in runs]


async def find(db: Session, caller: Caller, run_id: UUID) -> PostprocessingRun:
    """The run; raises NotFound unless the caller may see it."""
    run = await db.scalar(select(PostprocessingRun).where(PostprocessingRun.operation_id == run_id, visible_to(caller)))
    if run is None:
        raise NotFound("there is no such run, or none that you may see")
    return run


async def by_ids(db: Session, algorithm_ids: Collection[UUID]) -> Sequence[Algorithm]:
    """These algorithms in the order of their registration."""
    return (await db.scalars(select(Algorithm).where(Algorithm.id.in_(algorithm_ids)).order_by(Algorithm.id))).all()


async def read(db: Session, operation_id: UUID) -> PostprocessingRun | None:
    """The run of an operation as it is now."""
    statement = select(PostprocessingRun).where(PostprocessingRun.operation_id == operation_id)
    return await db.scalar(statement.execution_options(populate_existing=True))


async def read_operation(db: Session, operation_id: UUID) -> Operation:
    """The operation of a run as it is now."""
    statement = select(Operation).where(Operation.id == operation_id)
    return (await db.scalars(statement.execution_options(populate_existing=True))).one()


async def hold_project(db: Session, project_id: UUID) -> None:
    """Nobody else starts a run or an undo in this project until the transaction ends."""
    key = func.hashtextextended(f"postprocessing {project_id}", 0)
    await db.execute(select(func.pg_advisory_xact_lock(key)))


async def open_run(db: Session, project_id: UUID) -> UUID | None:
    """A run or an undo of the project that has not ended."""
    statement = select(Operation.id).where(
        Operation.classification_project_id == project_id,
        Operation.kind.in_((RUN, POST_PROCESS, UNDO)),
        Operation.state.not_in(tuple(CLOSED)),
    )
    return await db.scalar(statement.limit(1))


async def set_report(db: Session, operation_id: UUID, report: RunReport) -> None:
    """Write the report of a run as it is now."""
    await db.execute(
        update(PostprocessingRun).where(PostprocessingRun.operation_id == operation_id).values(report=report)
    )
