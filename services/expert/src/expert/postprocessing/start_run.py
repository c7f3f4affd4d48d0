"""Starts runs of methods, and answers what one would do: the scope is checked before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from expert.access import queries as access
from expert.access.make_once import IdempotentRequest
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.deps import ExpertWork
from expert.operations.models import Operation
from expert.operations.start import begin_operation, start_operation
from expert.operations.state import Document
from expert.postprocessing import queries
from expert.postprocessing.errors import RunInProgress, ScopeRefused, ScopeUnconfirmed, TooManyRows
from expert.postprocessing.models import PostprocessingRun
from expert.postprocessing.queries_selection import (
    count_rows,
    is_job_of,
    project_of,
    select_rows,
    unknown_ids,
)
from expert.postprocessing.register import METHODS, Plan
from expert.postprocessing.run_batches import add_to_report, rows_at_once
from expert.postprocessing.state import RUN, MethodKey, RunReport, RunScope, ScopeKind
from expert.postprocessing.write_decisions import Written, write_decisions
from trapper_kit.db import Session
from trapper_kit.idempotency import check_same
from trapper_kit.problems import Invalid, NotFound
from trapper_schemas.problem import FieldError

MAX_ROWS_IN_REQUEST = 5_000
_UNKNOWN = NotFound("there is no such scope in a project that you may see")


@dataclass(frozen=True)
class RunTarget:
    """A method with its settings, and what it is to look at in which project."""

    project_id: UUID
    method: MethodKey
    scope: RunScope
    config: Document

    async def prepare(self, db: Session) -> Plan:
        """The plan; raises the refusals of the method."""
        return await METHODS[self.method].prepare(db, self.project_id, self.scope, self.config)


@dataclass(frozen=True)
class DryRun:
    """What a run would do now."""

    total: int
    counters: Mapping[str, int]
    report: RunReport


def read_config(method: MethodKey, config: Mapping[str, object]) -> Document:
    """The settings with their defaults; raises Invalid with each field that is wrong."""
    try:
        return METHODS[method].config.model_validate(config).model_dump(mode="json")
    except ValidationError as problem:
        errors = [
            FieldError(loc=["body", "config", *each["loc"]], code=each["type"], message=each["msg"])
            for each in problem.errors(include_url=False, include_context=False)
        ]
        raise Invalid(f"{len(errors)} of the method's settings are not valid", errors=errors) from None


async def find_project(db: Session, caller: Caller, scope: RunScope, capability: Capability) -> UUID:
    """The project of a scope in which the caller has this capability.

    Raises NotFound, Forbidden, and ScopeRefused with the ids that the project does not have.
    """
    project_id = await project_of(db, scope)
    if project_id is None:
        raise _UNKNOWN
    await require(db, caller, capability, classification_project=project_id, missing=_UNKNOWN)
    await _refuse_unknown(db, project_id, scope)
    return project_id


async def _refuse_unknown(db: Session, project_id: UUID, scope: RunScope) -> None:
    unknown = [str(each) for each in await unknown_ids(db, project_id, scope)]
    if scope.kind is ScopeKind.JOB and scope.job_id and not await is_job_of(db, scope.job_id, project_id):
        unknown = [str(scope.job_id)]
    if unknown:
        raise ScopeRefused(f"{len(unknown)} of the ids in the scope are not of this project", ids=unknown)


async def dry_run(work: ExpertWork, db: Session, target: RunTarget) -> DryRun:
    """What a run would do, by the same selection and the same code; everything is rolled back.

    Raises TooManyRows for a scope that is too large for one request.
    """
    nested = await db.begin_nested()
    plan = await target.prepare(db)
    total = await count_rows(db, plan.selection)
    if total > MAX_ROWS_IN_REQUEST:
        raise TooManyRows(f"it has {total} observations, more than {MAX_ROWS_IN_REQUEST}", rows=total)
    report = add_to_report(RunReport(), Written(), plan)
    counters: dict[str, int] = {}
    after, more = None, True
    while more:
        rows, more = await select_rows(db, plan.selection, after=after, limit=rows_at_once(plan))
        written = await write_decisions(db, None, rows, await plan.decide(work, db, rows), now=work.clock.now())
        report = add_to_report(report, written, plan)
        for name, count in written.counters.items():
            counters[name] = counters.get(name, 0) + count
        after = rows[-1].received_batch_id if rows else after
    await nested.rollback()
    return DryRun(total, counters, report)


async def start_run(
    db: Session, target: RunTarget, request: IdempotentRequest, *, is_dry: bool, confirmed_rows: int | None
) -> Operation:
    """The operation of the run, made once per request.

    Raises the refusals of the method, ScopeUnconfirmed for a whole project whose number of observations is not the
    confirmed one, and RunInProgress while another run of the project has not ended.
    """
    earlier = await access.made_before(db, Operation, request.caller_id, request.key)
    if earlier is not None:
        check_same(earlier.request_print, request.request_print)
        return earlier
    await queries.hold_project(db, target.project_id)
    other = await queries.open_run(db, target.project_id)
    if other is not None:
        raise RunInProgress(f"it is operation {other}: wait for its end, or cancel it", operation_id=str(other))
    plan = await target.prepare(db)
    total = await count_rows(db, plan.selection)
    if target.scope.kind is ScopeKind.PROJECT and not is_dry and confirmed_rows != total:
        raise ScopeUnconfirmed(f"the project has {total} observations: send confirmed_rows {total}", rows=total)
    operation, is_new = await start_operation(db, _operation(target, total), request)
    if is_new:
        await note_run(db, operation, plan, target, is_dry=is_dry)
    return operation


async def begin_run(db: Session, target: RunTarget) -> Operation:
    """The operation of a run that a setting of the project asks for."""
    plan = await target.prepare(db)
    total = await count_rows(db, plan.selection)
    operation = await begin_operation(db, _operation(target, total))
    await note_run(db, operation, plan, target, is_dry=False)
    return operation


def _operation(target: RunTarget, total: int) -> Operation:
    parameters: Document = {"method": target.method.value}
    return Operation(kind=RUN, classification_project_id=target.project_id, parameters=parameters, total=total)


async def note_run(db: Session, operation: Operation, plan: Plan, target: RunTarget, *, is_dry: bool) -> None:
    """Write what was asked of a run beside its operation."""
    db.add(
        PostprocessingRun(
            operation_id=operation.id,
            classification_project_id=target.project_id,
            method=target.method,
            config=target.config,
            scope=target.scope,
            dry_run=is_dry,
            report=add_to_report(RunReport(), Written(), plan),
        )
    )
    await db.flush()
