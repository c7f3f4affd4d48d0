"""Statements of every claim and every save as SQL text: one round trip and one transaction each.

They run a thousand times a second, and nothing else of the service does: the token stays in the where-clause, the
database's clock in the arithmetic, and what is locked is skipped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

from ai_manager.batches.queries import Counts
from ai_manager.batches.queries_lines import Line
from ai_manager.batches.state import BatchState
from ai_manager.direct import Direct


@dataclass(frozen=True)
class Leased:
    """A batch with its new lease."""

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
    """Returns the statement with the limit as text, because the planner guesses badly for a parameter."""
    return f"""
    with next_in_turn as materialized (
        select id from batches
        where state = '{BatchState.WAITING}' and runtimes = $1 and model_set = $2 and priority = $3
            and ($4::text = '' or project = $4::text)
        order by priority, turn, id limit {limit:d}
        for update skip locked
    )
    update batches
    set state = '{BatchState.LEASED}', attempt = attempt + 1, worker_id = $5,
        lease_token = $6::text || '-' || batches.id::text,
        lease_expires_at = clock_timestamp() + $7::interval
    from next_in_turn
    where batches.id = next_in_turn.id
    returning batches.id, batches.job_id, batches.attempt, batches.lease_token, batches.turn, batches.resources
    """  # noqa: S608 - a whole number


async def claim(
    direct: Direct, line: Line, *, project: str, limit: int, worker_id: UUID, token: str, lease: timedelta
) -> list[Leased]:
    """Leases the next batches in turn, each to one worker only; the token is `token` and the batch's id."""
    rows = await direct.fetch(
        _claim(limit), line.runtimes, line.model_set, line.priority, project, worker_id, token, lease
    )
    return [
        Leased(row["id"], row["job_id"], row["attempt"], row["lease_token"], row["resources"])
        for row in sorted(rows, key=lambda row: (row["turn"], row["id"]))
    ]


_PRESENT = (
    "select id, state, lease_token, worker_id, attempt, job_id, resources from batches where id = any($1::uuid[])"
)


async def present(direct: Direct, batch_ids: Sequence[UUID]) -> list[Present | None]:
    """Returns these batches as they are in the queue, or None."""
    by_id = {row["id"]: Present(*row[1:]) for row in await direct.fetch(_PRESENT, list(batch_ids))}
    return [by_id.get(batch_id) for batch_id in batch_ids]


@dataclass(frozen=True)
class Finish:
    """A stored result, for a batch that this token holds or held."""

    batch_id: UUID
    token: str
    worker_id: UUID
    sha256: str
    size_bytes: int
    blob: bytes | None
    """The bytes, when they go into the row."""
    counts: Counts
    failures: Sequence[tuple[UUID, str, str]] = ()


@dataclass(frozen=True)
class Finished:
    """The job of a batch that was closed by this statement, and whether its Expert is notified."""

    job_id: UUID
    notification_queue: str | None


def _finish(skip_locked: str) -> str:
    return f"""
    with held as materialized (
        select batches.id, told.place, told.sha256, told.size_bytes, told.blob, told.done, told.blank, told.failed
        from unnest(
            $1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::bytea[], $7::int[], $8::int[],
            $9::int[]
        ) with ordinality as told (batch_id, token, worker_id, sha256, size_bytes, blob, done, blank, failed, place)
        join batches on batches.id = told.batch_id
        where batches.state = '{BatchState.LEASED}' and batches.lease_token = told.token
            and batches.worker_id = told.worker_id
        for update of batches {skip_locked}
    ), closed as (
        update batches
        set state = '{BatchState.DONE}', result_sha256 = held.sha256,
            done = held.done, blank = held.blank, failed = held.failed,
            lease_token = null, lease_expires_at = null
        from held
        where batches.id = held.id
        returning batches.id, batches.job_id, held.place, held.sha256, held.size_bytes, held.blob
    ), saved as (
        insert into saved_results (batch_id, job_id, sha256, size_bytes, blob, exhausted, closed_at)
        select id, job_id, sha256, size_bytes, blob, false, clock_timestamp() from closed
    ), failures as (
        insert into resource_failures (batch_id, job_id, resource_id, code, message)
        select closed.id, closed.job_id, failure.resource_id, failure.code, failure.message
        from unnest($10::bigint[], $11::uuid[], $12::text[], $13::text[]) as failure (place, resource_id, code, message)
        join closed on closed.place = failure.place
    )
    select closed.place, jobs.id, jobs.notification_queue from closed join jobs on jobs.id = closed.job_id
    """  # noqa: S608 - a constant of this file


_FINISH, _FINISH_UNLOCKED = _finish(""), _finish("skip locked")


async def finish(direct: Direct, requests: Sequence[Finish]) -> list[Finished | None]:
    """Close each batch and note its blob and its failures if, and only if, its token still holds it.

    Several at once wait for no lock, so that nobody ever waits crosswise; what was locked, or not held, is asked for
    once more by itself.
    """
    first = await _finish_all(direct, _FINISH if len(requests) == 1 else _FINISH_UNLOCKED, requests)
    if len(requests) == 1:
        return first
    return [
        finished or (await _finish_all(direct, _FINISH, [request]))[0]
        for request, finished in zip(requests, first, strict=True)
    ]


async def _finish_all(direct: Direct, statement: str, requests: Sequence[Finish]) -> list[Finished | None]:
    failures = [(place, *failure) for place, request in enumerate(requests, 1) for failure in request.failures]
    rows = await direct.fetch(
        statement,
        [request.batch_id for request in requests],
        [request.token for request in requests],
        [request.worker_id for request in requests],
        [request.sha256 for request in requests],
        [request.size_bytes for request in requests],
        [request.blob for request in requests],
        [request.counts.done for request in requests],
        [request.counts.blank for request in requests],
        [request.counts.failed for request in requests],
        *([failure[column] for failure in failures] for column in range(4)),
    )
    by_place = {row["place"]: Finished(*row[1:]) for row in rows}
    return [by_place.get(place) for place in range(1, len(requests) + 1)]
