"""Undoes runs: what counted before counts again, and observations say what they values; the newest run first."""

from uuid import UUID

from expert.access import queries as access
from expert.access.make_once import IdempotentRequest
from expert.deps import ExpertWork
from expert.occurrences.queries_determine import refresh_determinations
from expert.operations.models import Operation
from expert.operations.register import operation_kind
from expert.operations.start import start_operation
from expert.operations.state import CLOSED, BatchOutcome, Document
from expert.postprocessing import queries, queries_changes
from expert.postprocessing.errors import RunInProgress, RunNotUndoable
from expert.postprocessing.models import PostprocessingRun
from expert.postprocessing.queries_changes import ObservationValues
from expert.postprocessing.state import UNDO
from trapper_kit.db import Session
from trapper_kit.idempotency import check_same

_CHANGES_AT_ONCE = 4_000


async def start_undo(db: Session, run: PostprocessingRun, request: IdempotentRequest, *, cascade: bool) -> Operation:
    """The operation that undoes a run, made once per request.

    Raises RunNotUndoable for a run that has not ended, is undone already, or, without `cascade`, was followed by
    later runs on the same observations; RunInProgress while another run of the project has not ended.
    """
    earlier = await access.made_before(db, Operation, request.caller_id, request.key)
    if earlier is not None:
        check_same(earlier.request_print, request.request_print)
        return earlier
    project_id = run.classification_project_id
    await queries.hold_project(db, project_id)
    await db.refresh(run)
    own = await queries.read_operation(db, run.operation_id)
    if own.state not in CLOSED:
        raise RunNotUndoable("the run has not ended: cancel it first")
    if run.dry_run:
        raise RunNotUndoable("a dry run changed nothing")
    if run.undone_at is not None:
        raise RunNotUndoable("the run is undone already")
    other = await queries.open_run(db, project_id)
    if other is not None:
        raise RunInProgress(f"it is operation {other}: wait for its end, or cancel it", operation_id=str(other))
    chosen = [run.operation_id]
    while later := await queries_changes.later_runs(db, chosen):
        if not cascade:
            ids = [str(each) for each in later]
            raise RunNotUndoable(f"{len(ids)} later runs changed the same observations: undo them first", run_ids=ids)
        chosen += later
    ordered = await queries_changes.in_order_of_changes(db, chosen)
    ordered += [each for each in chosen if each not in ordered]  # runs that changed nothing
    operation = Operation(
        kind=UNDO,
        classification_project_id=project_id,
        parameters={"run_ids": [str(each) for each in ordered]},
        total=await queries_changes.count_changes(db, ordered),
    )
    operation, _ = await start_operation(db, operation, request)
    return operation


@operation_kind(UNDO)
async def undo_batch(work: ExpertWork, db: Session, operation: Operation) -> BatchOutcome:
    """Undoes the next changes of the first run that has some left; a run without any is marked as undone."""
    await queries.hold_project(db, operation.classification_project_id)
    given = operation.parameters["run_ids"]
    run_ids = [UUID(str(each)) for each in given] if isinstance(given, list) else []
    index = int(str(operation.position.get("run", 0)))
    if index >= len(run_ids):
        return BatchOutcome(operation.position, done=0, is_last=True)
    run_id = run_ids[index]
    changes = await queries_changes.changes_of(db, run_id, limit=_CHANGES_AT_ONCE)
    if not changes:
        await queries_changes.forget_determinations(db, run_id)
        await queries_changes.mark_undone(db, run_id, by=operation.id, now=work.clock.now())
        is_last = index + 1 == len(run_ids)
        return BatchOutcome({"run": index + 1}, done=0, is_last=is_last, counters={"runs": 1})
    occurrences = {change.occurrence_id for change in changes if change.occurrence_id is not None}
    await queries_changes.lock(db, {change.classification_id for change in changes}, occurrences)
    expected = [(change.observation_id, change.after_id) for change in changes]
    free = await queries_changes.still_untouched(db, expected, is_current=False)
    undone = [change for change in changes if change.observation_id in free]
    await queries_changes.demote(db, [change.after_id for change in undone])
    await queries_changes.promote(db, [change.before_id for change in undone])
    await queries_changes.set_values(
        db,
        [
            ObservationValues(
                each.observation_id, each.taxon_id, each.label, each.classification_confidence, each.observation_type
            )
            for each in undone
        ],
    )
    made = [change.after_id for change in undone if change.is_new]
    await queries_changes.forget(db, run_id, [change.observation_id for change in changes], made)
    determined = await refresh_determinations(db, occurrences)
    counters = {
        "restored": len(undone),
        "skipped": len(changes) - len(undone),
        "determinations_changed": len(determined),
    }
    position: Document = {"run": index}
    return BatchOutcome(position, done=len(changes), is_last=False, counters=counters)
