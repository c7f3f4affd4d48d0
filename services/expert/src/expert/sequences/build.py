"""Builds the sequences of a linked collection from nothing: an operation whose batches are deployments."""

from uuid import UUID

from expert.access import queries as access
from expert.access.make_once import IdempotentRequest
from expert.deps import ExpertWork
from expert.operations.models import Operation
from expert.operations.register import operation_kind
from expert.operations.start import begin_operation, start_operation
from expert.operations.state import BatchOutcome
from expert.sequences import queries_chain as queries
from expert.sequences.apply import apply_changes
from expert.sequences.queries import set_interval
from expert.sequences.queries_chain import REBUILD
from trapper_kit.db import Session
from trapper_kit.idempotency import check_same

_LINKS_AT_ONCE = 100


async def build_missing(work: ExpertWork) -> None:
    """Starts building the sequences of linked collections that have none yet, or another interval now."""
    async with work.db() as db:
        link_ids = await queries.unbuilt(db, limit=_LINKS_AT_ONCE)
    for link_id in link_ids:
        async with work.db() as db:
            await start_build(db, link_id)


async def start_build(
    db: Session, link_id: UUID, request: IdempotentRequest | None = None, *, interval_seconds: int | None = None
) -> Operation | None:
    """The operation that builds the sequences of a link; None without a request when there is nothing to build.

    A given interval becomes that of the link.
    """
    if request is not None:
        earlier = await access.made_before(db, Operation, request.caller_id, request.key)
        if earlier is not None:
            check_same(earlier.request_print, request.request_print)
            return earlier
    if interval_seconds is not None:
        await set_interval(db, link_id, interval_seconds)
    build = await queries.begin_build(db, link_id)
    if build is None:
        return None
    project_id, deployment_ids = build
    if not deployment_ids and request is None:
        await queries.end_build(db, link_id)
        return None
    operation = Operation(
        kind=REBUILD,
        classification_project_id=project_id,
        parameters={"linked_collection_id": str(link_id)},
        total=len(deployment_ids),
    )
    if request is None:
        return await begin_operation(db, operation, items=deployment_ids)
    return (await start_operation(db, operation, request, items=deployment_ids))[0]


@operation_kind(REBUILD)
async def rebuild_deployment(_work: ExpertWork, db: Session, operation: Operation) -> BatchOutcome:
    """Chains the resources of the next deployment; ids of sequences stay where they can."""
    link_id = UUID(str(operation.parameters["linked_collection_id"]))
    after = operation.position.get("after")
    link = await queries.lock_link(db, link_id)
    deployment_id = await queries.next_deployment(db, operation.id, UUID(str(after)) if after is not None else None)
    if link is None or deployment_id is None:
        await queries.end_build(db, link_id)
        return BatchOutcome(operation.position, done=0, is_last=True)
    await queries.take_changes_of(db, link_id, deployment_id)
    rows = await queries.rows_of_deployment(db, link_id, deployment_id)
    await apply_changes(db, link, rows)
    return BatchOutcome(
        {"after": str(deployment_id)},
        done=1,
        is_last=False,
        counters={"resources": sum(bool(row.series) for row in rows)},
    )
