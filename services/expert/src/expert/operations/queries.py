"""Statements about operations; the fencing token of the process that runs one stands in their where-clauses."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, column, delete, exists, func, insert, literal, select, table, update
from sqlalchemy.ext.asyncio import AsyncConnection

from expert.access.queries import readable_classification_projects
from expert.access.state import Caller
from expert.base import number_of_key
from expert.operations.models import Operation, OperationItem, OperationLine
from expert.operations.state import CLOSED, MAX_LINES, LogLevel, LogLine, OperationState
from trapper_kit.db import Session, db_clock
from trapper_kit.paging import PageRequest, page_of

# What operations must know of the tables above them, by name.
_IMPORTED = [table(name, column("import_operation_id")) for name in ("classifications", "sequence_observations")]
_NOW = {"populate_existing": True}


def visible_to(caller: Caller) -> ColumnElement[bool]:
    """Those of the caller's classification projects."""
    return Operation.classification_project_id.in_(readable_classification_projects(caller))


async def listed(
    db: Session,
    caller: Caller,
    page_request: PageRequest,
    *,
    project_ids: Sequence[UUID],
    ids: Sequence[UUID],
    kinds: Sequence[str],
    states: Sequence[OperationState],
) -> Sequence[Operation]:
    """A page of operations that match, newest first."""
    statement = select(Operation).where(visible_to(caller))
    for column_, values in (
        (Operation.classification_project_id, project_ids),
        (Operation.id, ids),
        (Operation.kind, kinds),
        (Operation.state, states),
    ):
        if values:
            statement = statement.where(column_.in_(values))
    return (await db.scalars(page_of(statement, [Operation.id], page_request, [UUID], newest_first=True))).all()


async def list_lines(
    db: Session, operation_id: UUID, page_request: PageRequest, *, after: int, levels: Sequence[LogLevel]
) -> Sequence[OperationLine]:
    """A page of an operation's log after a line, in order."""
    statement = select(OperationLine).where(OperationLine.operation_id == operation_id, OperationLine.number > after)
    if levels:
        statement = statement.where(OperationLine.level.in_(levels))
    return (await db.scalars(page_of(statement, [OperationLine.number], page_request, [number_of_key]))).all()


async def add_items(db: Session, operation_id: UUID, item_ids: Collection[UUID]) -> None:
    """Store the rows that an operation was given."""
    rows = select(literal(operation_id, Uuid()), func.unnest(literal(list(set(item_ids)), ARRAY(Uuid))))
    await db.execute(insert(OperationItem).from_select(["operation_id", "item_id"], rows))


async def claim(db: Session, operation_id: UUID, kinds: Collection[str]) -> Operation | None:
    """Start the next attempt of a waiting operation that is due; None when another process was faster."""
    statement = (
        update(Operation)
        .where(
            Operation.id == operation_id,
            Operation.state == OperationState.WAITING,
            Operation.next_attempt_at <= db_clock(),
            Operation.kind.in_(kinds),
        )
        .values(
            state=OperationState.RUNNING,
            attempt=Operation.attempt + 1,
            heartbeat_at=db_clock(),
            started_at=func.coalesce(Operation.started_at, db_clock()),
        )
        .returning(Operation)
        .execution_options(**_NOW)
    )
    return await db.scalar(statement)


def _is_held(operation_id: UUID, attempt: int) -> tuple[ColumnElement[bool], ...]:
    return (Operation.id == operation_id, Operation.attempt == attempt, Operation.state == OperationState.RUNNING)


async def hold(db: Session, operation_id: UUID, attempt: int) -> Operation | None:
    """The operation while this attempt has it; until the transaction ends, nobody can declare the attempt dead.

    The lock lets heartbeats through, and `stale` skips rows that have it.
    """
    statement = (
        select(Operation)
        .where(*_is_held(operation_id, attempt))
        .with_for_update(read=True, key_share=True)
        .execution_options(**_NOW)
    )
    return await db.scalar(statement)


async def beat(connection: AsyncConnection, operation_id: UUID, attempt: int) -> bool:
    """Renew the heartbeat; False when this attempt has the operation no more."""
    statement = update(Operation).where(*_is_held(operation_id, attempt)).values(heartbeat_at=db_clock())
    return (await connection.scalar(statement.returning(Operation.id))) is not None


async def record(db: Session, operation_id: UUID, attempt: int, values: dict[str, object]) -> None:
    """Write what a batch did; the caller holds the operation."""
    await db.execute(update(Operation).where(*_is_held(operation_id, attempt)).values(failures=0, **values))


async def append_lines(db: Session, operation_id: UUID, lines: Sequence[LogLine]) -> None:
    """Append to the log, and drop its oldest lines beyond the limit."""
    if not lines:
        return
    count = len(lines)
    statement = update(Operation).where(Operation.id == operation_id).values(logged=Operation.logged + count)
    last = (await db.execute(statement.returning(Operation.logged))).scalar_one()
    rows = [
        {"operation_id": operation_id, "number": number, **vars(line)}
        for number, line in enumerate(lines, last - count + 1)
    ]
    await db.execute(insert(OperationLine), rows[-MAX_LINES:])
    await db.execute(
        delete(OperationLine).where(
            OperationLine.operation_id == operation_id, OperationLine.number <= last - MAX_LINES
        )
    )


async def lock(db: Session, operation_id: UUID) -> Operation:
    """The operation, locked against other changes of its state; a batch that runs meanwhile is not waited for."""
    statement = select(Operation).where(Operation.id == operation_id).with_for_update(key_share=True)
    return (await db.scalars(statement.execution_options(**_NOW))).one()


async def stale(db: Session, *, silent: timedelta, limit: int) -> Sequence[Operation]:
    """Running operations without a heartbeat for so long, locked; one whose batch is in a transaction is skipped."""
    statement = (
        select(Operation)
        .where(Operation.state == OperationState.RUNNING, Operation.heartbeat_at < db_clock() - silent)
        .order_by(Operation.heartbeat_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(**_NOW)
    )
    return (await db.scalars(statement)).all()


async def wait(db: Session, operation_id: UUID, *, pause: timedelta, failures: int) -> None:
    """Let an operation wait for its next attempt."""
    await db.execute(
        update(Operation)
        .where(Operation.id == operation_id)
        .values(
            state=OperationState.WAITING,
            heartbeat_at=None,
            next_attempt_at=db_clock() + pause,
            failures=failures,
        )
    )


async def end(db: Session, operation_id: UUID, state: OperationState, *, error: str | None, kept: timedelta) -> None:
    """End an operation that has not ended."""
    await db.execute(
        update(Operation)
        .where(Operation.id == operation_id, Operation.state.not_in(tuple(CLOSED)))
        .values(state=state, error=error, heartbeat_at=None, ended_at=db_clock(), expires_at=db_clock() + kept)
    )


async def request_cancel(db: Session, operation_id: UUID) -> None:
    """Note that a running operation is to end before its next batch."""
    await db.execute(
        update(Operation)
        .where(Operation.id == operation_id, Operation.cancel_requested_at.is_(None))
        .values(cancel_requested_at=db_clock())
    )


async def waiting(db: Session, kinds: Collection[str], *, limit: int) -> Sequence[UUID]:
    """Operations whose next attempt is due, those that waited longest first."""
    statement = (
        select(Operation.id)
        .where(
            Operation.state == OperationState.WAITING,
            Operation.next_attempt_at <= db_clock(),
            Operation.kind.in_(kinds),
        )
        .order_by(Operation.next_attempt_at)
        .limit(limit)
    )
    return (await db.scalars(statement)).all()


async def delete_expired(db: Session, *, limit: int) -> int:
    """Delete ended operations that are kept no longer, with items and log; their number. Imports with rows stay."""
    has_rows = [exists().where(rows.c.import_operation_id == Operation.id) for rows in _IMPORTED]
    statement = select(Operation.id).where(Operation.expires_at < db_clock(), *(~condition for condition in has_rows))
    expired = statement.order_by(Operation.expires_at).limit(limit)
    return len((await db.scalars(delete(Operation).where(Operation.id.in_(expired)).returning(Operation.id))).all())
