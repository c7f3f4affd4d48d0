"""Invariant checks: statements that must find nothing; `doctor` and the tests run them."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import TextClause, text

from trapper_kit.db import Session


@dataclass(frozen=True)
class Invariant:
    """A statement that lists offending ids, and what a finding means."""

    broken: str
    statement: TextClause


_COLUMNS = "id, job_id, parent_id, first, size, state, attempt, worker_id, result_sha256, done, blank, failed, fetched"
_EVERYWHERE = f"(select {_COLUMNS} from batches union all select {_COLUMNS} from finished_batches)"  # noqa: S608 - constants
"""The batches of all jobs: those in the queue, and those of closed jobs."""

INVARIANTS: Mapping[str, Invariant] = {
    "leases": Invariant(
        "a leased batch without token, expiry, worker or attempt",
        text(
            "select id from batches where state = 'leased' and (lease_token is null or lease_expires_at is null "
            "or worker_id is null or attempt < 1)"
        ),
    ),
    "expiry": Invariant(
        "a batch that stayed leased past its expiry and the sweep",
        text(
            "select id from batches where state = 'leased' "
            "and lease_expires_at < clock_timestamp() - make_interval(secs => :grace)"
        ),
    ),
    "credentials": Invariant(
        "a lease that outlives every credential of its worker",
        text(
            "select batches.id from batches left join lateral (select max(expires_at) as ends from tokens "
            "where tokens.worker_id = batches.worker_id and revoked_at is null) as credential on true "
            "where state = 'leased' and lease_expires_at > "
            "coalesce(credential.ends, clock_timestamp()) + make_interval(secs => :grace)"
        ),
    ),
    "split trees": Invariant(
        "a split batch that does not have two children with all its resources",
        text(
            f"select parent.id from {_EVERYWHERE} parent left join {_EVERYWHERE} child on child.parent_id = parent.id "  # noqa: S608 - constants
            "where parent.state = 'split' group by parent.id, parent.size, parent.first "
            "having count(child.id) <> 2 or sum(child.size) <> parent.size or min(child.first) <> parent.first"
        ),
    ),
    "leaves": Invariant(
        "a job whose leaves do not hold every planned resource once",
        text(
            "with leaves as (select job_id, first, first + size as beyond, "  # noqa: S608 - constants
            "coalesce(lag(first + size) over (partition by job_id order by first, id), 0) as expected "
            f"from {_EVERYWHERE} batches where state <> 'split') "
            "select jobs.id from jobs left join leaves on leaves.job_id = jobs.id where jobs.reduced_at is null "
            "group by jobs.id, jobs.planned_through, jobs.state having bool_or(leaves.first <> leaves.expected) "
            "or (jobs.state <> 'cancelled' and coalesce(max(leaves.beyond), 0) <> jobs.planned_through)"
        ),
    ),
    "outcomes": Invariant(
        "a closed batch without one outcome for each of its resources",
        text(
            f"select id from {_EVERYWHERE} batches where state in ('done', 'exhausted') "  # noqa: S608 - constants
            "and result_sha256 is not null and done + blank + failed <> size"
        ),
    ),
    "failures": Invariant(
        "a closed batch whose failed resources are not on record one by one",
        text(
            "with notes as (select batch_id, count(*) as noted from resource_failures group by batch_id), "  # noqa: S608 - constants
            f"failed as (select id, failed from {_EVERYWHERE} batches where result_sha256 is not null and failed > 0) "
            "select coalesce(id, batch_id) from failed full join notes on batch_id = id "
            "where failed is distinct from noted"
        ),
    ),
    "results": Invariant(
        "a closed batch whose result is not on record, or another one",
        text(
            f"select id from {_EVERYWHERE} batches where result_sha256 is not null and not exists "  # noqa: S608 - constants
            "(select 1 from saved_results where batch_id = id and sha256 = result_sha256 "
            "and (acknowledged_at is not null) = fetched) "
            f"union all select id from {_EVERYWHERE} batches join saved_results on batch_id = id "
            "where result_sha256 is null"
        ),
    ),
    "results of nothing": Invariant(
        "a result on record without its batch",
        text(
            "select batch_id from saved_results where not exists (select 1 from batches where id = batch_id) "
            "and not exists (select 1 from finished_batches where id = batch_id)"
        ),
    ),
    "closed too early": Invariant(
        "a closed job that is not sealed, not planned through, or of which something waits or is leased",
        text(
            "select jobs.id from jobs where closed_at is not null and (not sealed or planned_through <> total or "
            "exists (select 1 from batches where batches.job_id = jobs.id and batches.state in ('waiting', 'leased')))"
        ),
    ),
    "closed too late": Invariant(
        "a job that is over and was not closed within the grace",
        text(
            "select jobs.id from jobs where closed_at is null and sealed and planned_through = total "
            "and created_at < clock_timestamp() - make_interval(secs => :grace) "
            "and not exists (select 1 from batches where job_id = jobs.id and state in ('waiting', 'leased')) "
            "and not exists "
            "(select 1 from batches where job_id = jobs.id and state = 'exhausted' and result_sha256 is null) "
            "and not exists (select 1 from saved_results where job_id = jobs.id "
            "and saved_results.closed_at > clock_timestamp() - make_interval(secs => :grace))"
        ),
    ),
    "counts": Invariant(
        "a closed job whose counts are not the sums of its batches",
        text(
            f"select jobs.id from jobs left join {_EVERYWHERE} batches on batches.job_id = jobs.id "  # noqa: S608 - constants
            "where closed_at is not null and reduced_at is null group by jobs.id "
            "having (jobs.done, jobs.blank, jobs.failed) is distinct from (coalesce(sum(batches.done), 0), "
            "coalesce(sum(batches.blank), 0), coalesce(sum(batches.failed), 0)) "
            "or (jobs.state <> 'cancelled' and jobs.done + jobs.blank + jobs.failed <> jobs.total)"
        ),
    ),
    "put away": Invariant(
        "a batch that is in both places, or in the wrong one",
        text(
            "select finished_batches.id from finished_batches join jobs on jobs.id = job_id "
            "where closed_at is null or reduced_at is not null "
            "union all select batches.id from finished_batches join batches on batches.id = finished_batches.id "
            "union all select batches.id from batches join jobs on jobs.id = job_id where jobs.compacted"
        ),
    ),
    "given up without a blob": Invariant(
        "an exhausted batch whose failures nobody wrote down",
        text(
            "select batches.id from batches join jobs on jobs.id = batches.job_id "
            "where batches.state = 'exhausted' and result_sha256 is null and jobs.closed_at is not null"
        ),
    ),
    "chunks": Invariant(
        "a job whose chunks do not hold what is left to plan",
        text(
            "select jobs.id from jobs left join resource_chunks chunk on chunk.job_id = jobs.id "
            "where jobs.planned_through < jobs.total group by jobs.id, jobs.total, jobs.planned_through "
            "having coalesce(max(chunk.first + chunk.size), 0) <> jobs.total "
            "or coalesce(min(chunk.first), jobs.total) > jobs.planned_through"
        ),
    ),
}


async def offenders(db: Session, invariant: Invariant, *, grace_seconds: float, limit: int = 20) -> list[str]:
    """Returns at most `limit` ids that break the invariant."""
    parameters = {"grace": grace_seconds} if ":grace" in invariant.statement.text else {}
    return [str(row[0]) for row in (await db.execute(invariant.statement, parameters)).fetchmany(limit)]


_TIME = text(
    "select set_config('statement_timeout', :limit, true), set_config('work_mem', '128MB', true), "
    "set_config('parallel_tuple_cost', '0', true)"
)


async def take_time(db: Session, seconds: int = 300) -> None:
    """Lifts the statement timeout, because these statements read whole tables."""
    await db.execute(_TIME, {"limit": str(seconds * 1000)})


async def oldest_unacknowledged_seconds(db: Session) -> tuple[int, float | None]:
    """Returns how many results wait to be fetched, and the age of the oldest."""
    row = (
        await db.execute(
            text(
                "select count(*), extract(epoch from clock_timestamp() - min(closed_at)) from saved_results "
                "where acknowledged_at is null"
            )
        )
    ).one()
    return row[0], float(row[1]) if row[1] is not None else None
