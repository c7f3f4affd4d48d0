"""The statements of every claim and every save, as text: each is one round trip and one transaction.

They run a thousand times a second, and nothing else of the service does: the token stays in the where-clause, the
database's clock in the arithmetic, and what is locked is skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from ai_manager.batches.queries import Counts
from ai_manager.batches.queries_lines import Line
from trapper_kit.direct import Direct


@dataclass(frozen=True)
class Leased:
    """A batch in somebody's hand."""

    id: UUID
    job_id: UUID
    attempt: int
    token: str
    resources: bytes


@dataclass(frozen=True)
class Present:
    """What a save must know of its batch."""

    state: str
    token: str | None
    worker_id: UUID | None
    attempt: int
    job_id: UUID
    resources: bytes


@cache
def _claim(limit: int) -> str:
    """The limit is part of the text: of a number that it does not know the planner expects a tenth of the table."""
    return f"""
    with next_in_turn as materialized (
        select id from batches
        where state = 'waiting' and runtimes = $1 and model_set = $2 and priority = $3
            and ($4::text = '' or project = $4::text)
        order by priority, turn, id limit {limit:d}
        for update skip locked
    )
    update batches
    set state = 'leased', attempt = attempt + 1, worker_id = $5, lease_token = $6::text || '-' || batches.id::text,
        lease_expires_at = clock_timestamp() + $7::interval
    from next_in_turn
    where batches.id = next_in_turn.id
    returning batches.id, batches.job_id, batches.attempt, batches.lease_token, batches.turn, batches.resources
    """  # noqa: S608 - a whole number


async def claim(
    direct: Direct, line: Line, *, project: str, limit: int, worker_id: UUID, token: str, lease: timedelta
) -> list[Leased]:
    """Lease the next batches in turn; two workers can never get the same one. Each token is `token` and its id."""
    rows = await direct.fetch(
        _claim(limit), line.runtimes, line.model_set, line.priority, project, worker_id, token, lease
    )
    return [
        Leased(row["id"], row["job_id"], row["attempt"], row["lease_token"], row["resources"])
        for row in sorted(rows, key=lambda row: (row["turn"], row["id"]))
    ]


_PRESENT = "select state, lease_token, worker_id, attempt, job_id, resources from batches where id = $1"


async def present(direct: Direct, batch_id: UUID) -> Present | None:
    """A batch in the queue."""
    row = await direct.row(_PRESENT, batch_id)
    return None if row is None else Present(*row)


_FINISH = """
with closed as (
    update batches
    set state = 'done', result_sha256 = $4, done = $6, blank = $7, failed = $8, lease_token = null,
        lease_expires_at = null
    where id = $1 and state = 'leased' and lease_token = $2 and worker_id = $3
    returning id, job_id
), saved as (
    insert into saved_results (batch_id, job_id, sha256, size_bytes, exhausted, closed_at)
    select id, job_id, $4, $5, false, clock_timestamp() from closed
), failures as (
    insert into resource_failures (batch_id, job_id, resource_id, code, message)
    select closed.id, closed.job_id, failure.resource_id, failure.code, failure.message
    from closed, unnest($9::uuid[], $10::text[], $11::text[]) as failure (resource_id, code, message)
)
select jobs.id, jobs.bell from closed join jobs on jobs.id = closed.job_id
"""


@dataclass(frozen=True)
class Finished:
    """The job of a batch that was closed at this moment, and whose queue is rung for it."""

    job_id: UUID
    bell: str | None


async def finish(
    direct: Direct,
    batch_id: UUID,
    *,
    token: str,
    worker_id: UUID,
    result_sha256: str,
    size_bytes: int,
    counts: Counts,
    failures: Sequence[tuple[UUID, str, str]],
) -> Finished | None:
    """Close the batch and note its blob and its failures if, and only if, this token still holds it."""
    values: list[Any] = [list(column) for column in zip(*failures, strict=True)] or [[], [], []]
    row = await direct.row(
        _FINISH,
        batch_id,
        token,
        worker_id,
        result_sha256,
        size_bytes,
        counts.done,
        counts.blank,
        counts.failed,
        *values,
    )
    return None if row is None else Finished(*row)
