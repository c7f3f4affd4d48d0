"""Post-processing: methods and their options, dry runs, runs, and undo."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import ValidationError

from expert.access.guards import MayRead, MayRunAi
from expert.access.make_once import IdempotentRequest
from expert.access.require import require
from expert.access.state import Capability
from expert.algorithms.state import AlgorithmSummary
from expert.deps import Db, Work
from expert.operations.models import Operation
from expert.postprocessing import follow_job, queries
from expert.postprocessing.errors import (
    MethodRefused,
    RunInProgress,
    RunNotUndoable,
    ScopeRefused,
    ScopeUnconfirmed,
    TooManyRows,
)
from expert.postprocessing.list_options import list_options
from expert.postprocessing.models import PostprocessingRun
from expert.postprocessing.queries import RunFilter
from expert.postprocessing.register import METHODS, Method
from expert.postprocessing.schemas import (
    DryRunReply,
    DryRunRequest,
    ExampleReply,
    MethodReply,
    MethodsReply,
    OptionsReply,
    PairReply,
    ReportReply,
    RunDetail,
    RunReply,
    RunRequest,
    StartedRun,
    UndoRequest,
)
from expert.postprocessing.start_run import RunTarget, dry_run, find_project, read_config, start_run
from expert.postprocessing.state import MethodKey, RunReport, RunScope
from expert.postprocessing.undo_run import start_undo
from trapper_kit.paging import PageRequest, split
from trapper_kit.problems import Forbidden, Invalid, NotFound
from trapper_kit.web.describe import problems
from trapper_kit.web.params import Cursor, IdempotencyKey, Ids, Limit
from trapper_schemas.paging import Page

__all__ = ["follow_job", "router"]  # the kind of operation that a rerun of its stage starts

router = APIRouter(prefix="/api/postprocessing", tags=["post_processing"])
_PAIRS = 50


@router.get("/")
async def list_methods(_caller: MayRead) -> MethodsReply:
    """List the methods with the schema of their settings."""
    return MethodsReply(items=[_method(method) for method in METHODS.values()])


@router.get("/runs/")
async def list_runs(
    caller: MayRead,
    db: Db,
    classification_project_id: Annotated[list[UUID] | None, Query()] = None,
    id: Ids = None,  # noqa: A002 - the filter's name
    method: Annotated[list[MethodKey] | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RunReply]:
    """List runs of the caller's projects, newest first."""
    given = RunFilter(id or [], classification_project_id or [], method or [])
    page_request = PageRequest.of(limit, cursor, vars(given))
    rows = await queries.list_runs(db, caller, page_request, given)
    items, following = split(rows, page_request, lambda row: [row[0].operation_id])
    return Page(items=[_run(run, operation) for run, operation in items], next_cursor=following)


@router.get("/runs/{run_id}/", responses=problems(NotFound))
async def read_run(run_id: UUID, caller: MayRead, db: Db) -> RunDetail:
    """Read one run with its report as it is now."""
    run = await queries.find(db, caller, run_id)
    operation = await queries.read_operation(db, run_id)
    return RunDetail(**_run(run, operation).model_dump(), report=_report(operation.counters, run.report))


@router.post(
    "/runs/{run_id}/undo/",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(NotFound, Forbidden, RunNotUndoable, RunInProgress),
)
async def undo(
    run_id: UUID, body: UndoRequest, key: IdempotencyKey, caller: MayRunAi, db: Db, response: Response
) -> StartedRun:
    """Undo a run: the sources count again; `Location` is the address of the operation."""
    run = await queries.find(db, caller, run_id)
    await require(db, caller, Capability.RUN_AI, classification_project=run.classification_project_id)
    operation = await start_undo(db, run, IdempotentRequest.of(caller, key, body), cascade=body.cascade)
    return _started(operation, response)


@router.get("/{method}/options/", responses=problems(NotFound, Forbidden, Invalid, ScopeRefused))
async def read_options(
    method: MethodKey,
    caller: MayRead,
    db: Db,
    scope: Annotated[str, Query(max_length=20_000, description="a scope as JSON, as in the body of a run")],
) -> OptionsReply:
    """Read what can be chosen for a run in a scope."""
    try:
        chosen = RunScope.model_validate_json(scope)
    except ValidationError as problem:
        raise Invalid.field("scope", problem.errors(include_url=False, include_context=False)[0]["msg"]) from None
    project_id = await find_project(db, caller, chosen, Capability.READ)
    algorithms = await list_options(db, project_id, chosen)
    return OptionsReply(
        **_method(METHODS[method]).model_dump(),
        classification_project_id=project_id,
        algorithms=[AlgorithmSummary.model_validate(row, from_attributes=True) for row in algorithms],
    )


@router.post(
    "/{method}/dry_run/",
    responses=problems(NotFound, Forbidden, Invalid, ScopeRefused, MethodRefused, TooManyRows),
)
async def try_method(method: MethodKey, body: DryRunRequest, caller: MayRunAi, work: Work, db: Db) -> DryRunReply:
    """Answer what a run would change, by the same selection and code; nothing is written."""
    config = read_config(method, body.config)
    project_id = await find_project(db, caller, body.scope, Capability.RUN_AI)
    answer = await dry_run(work, db, RunTarget(project_id, method, body.scope, config))
    return DryRunReply(total=answer.total, **_report(answer.counters, answer.report).model_dump())


@router.post(
    "/{method}/run/",
    status_code=status.HTTP_202_ACCEPTED,
    responses=problems(NotFound, Forbidden, Invalid, ScopeRefused, MethodRefused, ScopeUnconfirmed, RunInProgress),
)
async def run_method(
    method: MethodKey, body: RunRequest, key: IdempotencyKey, caller: MayRunAi, db: Db, response: Response
) -> StartedRun:
    """Start a run; `Location` is the address of the operation."""
    config = read_config(method, body.config)
    project_id = await find_project(db, caller, body.scope, Capability.RUN_AI)
    operation = await start_run(
        db,
        RunTarget(project_id, method, body.scope, config),
        IdempotentRequest.of(caller, key, body),
        is_dry=body.dry_run,
        confirmed_rows=body.confirmed_rows,
    )
    return _started(operation, response)


def _started(operation: Operation, response: Response) -> StartedRun:
    response.headers["Location"] = f"/api/operations/{operation.id}/"
    return StartedRun(operation_id=operation.id)


def _method(method: Method) -> MethodReply:
    return MethodReply(
        key=method.key,
        name=method.name,
        about=method.about,
        scopes=sorted(method.scopes),
        config_schema=method.config.model_json_schema(),
    )


def _run(run: PostprocessingRun, operation: Operation) -> RunReply:
    return RunReply(
        id=run.operation_id,
        classification_project_id=run.classification_project_id,
        method=run.method,
        config=dict(run.config),
        scope=run.scope,
        dry_run=run.dry_run,
        state=operation.state,
        total=operation.total,
        done=operation.done,
        error=operation.error,
        created_by=operation.created_by,
        created_at=operation.created_at,
        ended_at=operation.ended_at,
        undone_at=run.undone_at,
        undone_by_id=run.undone_by_id,
    )


def _report(counters: Mapping[str, int], report: RunReport) -> ReportReply:
    return ReportReply(
        counters=dict(counters),
        facts=dict(report.facts),
        pairs=[PairReply(before=before, after=after, count=count) for before, after, count in report.pairs[:_PAIRS]],
        examples=[ExampleReply.model_validate(each) for each in report.examples],
    )
