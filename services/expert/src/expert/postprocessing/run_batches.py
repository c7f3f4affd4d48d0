"""Runs a method batch by batch: whole batches of results, as many as fit into a bound of bytes."""

from collections import Counter
from uuid import UUID

from expert.deps import ExpertWork
from expert.operations.models import Operation
from expert.operations.register import operation_kind
from expert.operations.state import BatchOutcome, Document
from expert.postprocessing import queries, queries_changes
from expert.postprocessing.filter_small_sizes import SMALL_SIZE_FILTER
from expert.postprocessing.models import PostprocessingRun
from expert.postprocessing.queries_selection import select_rows
from expert.postprocessing.register import METHODS, Plan
from expert.postprocessing.run_class_masking import CLASS_MASKING
from expert.postprocessing.run_rank_rollup import RANK_ROLLUP
from expert.postprocessing.state import RUN, RunReport
from expert.postprocessing.write_decisions import Written, write_decisions
from trapper_kit.db import Session
from trapper_kit.logs import log
from trapper_kit.problems import NotFound

__all__ = ["CLASS_MASKING", "RANK_ROLLUP", "SMALL_SIZE_FILTER", "run_batch"]

_BYTES_AT_ONCE = 96 << 20
"""Logits of a batch, which are read blob by blob; a batch of results is not divided."""
_ROWS_AT_ONCE = 4_000
_PAIRS_KEPT, _EXAMPLES = 1_000, 20
_PLANS_AT_ONCE = 8
_plans: dict[tuple[UUID, int], Plan] = {}
"""Prepared once for each attempt of an operation, the newest few."""


@operation_kind(RUN)
async def run_batch(work: ExpertWork, db: Session, operation: Operation) -> BatchOutcome:
    """Does the next batch of a run; a dry run makes its changes and takes them back."""
    run = await queries.read(db, operation.id)
    if run is None:
        raise NotFound("the run of this operation is gone")
    await queries.hold_project(db, run.classification_project_id)  # batches of two runs never overlap
    if run.dry_run:
        nested = await db.begin_nested()
        outcome, report = await _run_batch(work, db, operation, run)
        await nested.rollback()
    else:
        outcome, report = await _run_batch(work, db, operation, run)
    await queries.set_report(db, operation.id, report)
    return outcome


async def _run_batch(
    work: ExpertWork, db: Session, operation: Operation, run: PostprocessingRun
) -> tuple[BatchOutcome, RunReport]:
    key = (operation.id, operation.attempt)
    plan = _plans.pop(key, None)
    if plan is None:  # checked against the project as it is now
        plan = await METHODS[run.method].prepare(db, run.classification_project_id, run.scope, run.config)
    after = operation.position.get("after")
    limit = rows_at_once(plan)
    rows, more = await select_rows(db, plan.selection, after=UUID(str(after)) if after else None, limit=limit)
    decisions = await plan.decide(work, db, rows)
    written = await write_decisions(db, operation.id, rows, decisions, now=work.clock.now())
    report = add_to_report(run.report, written, plan)
    counters = dict(written.counters)
    if not more:
        counters["taxa_changed"] = await queries_changes.count_changed_taxa(db, operation.id)
    elif not run.dry_run:  # what a dry run made for its plan is taken back
        while len(_plans) >= _PLANS_AT_ONCE:
            del _plans[next(iter(_plans))]
        _plans[key] = plan
    log("postprocessing.batch", method=run.method.value, rows=len(rows), counters=counters)
    position: Document = {"after": str(rows[-1].received_batch_id)} if rows else operation.position
    return BatchOutcome(position, done=len(rows), is_last=not more, counters=counters), report


def rows_at_once(plan: Plan) -> int:
    """How many observations a batch has, about."""
    return max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // max(1, 2 * plan.labels)))


def add_to_report(report: RunReport, written: Written, plan: Plan) -> RunReport:
    """The report with what a batch changed."""
    pairs = written.pairs + Counter({(before, after): count for before, after, count in report.pairs})
    return RunReport(
        facts=plan.facts,
        pairs=[(before, after, count) for (before, after), count in pairs.most_common(_PAIRS_KEPT)],
        examples=[*report.examples, *written.examples][:_EXAMPLES],
    )
