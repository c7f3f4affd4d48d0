"""Statements about depth and age of the queue; each walks an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from ai_manager.batches.models import EXHAUSTED, LEASED, Batch
from ai_manager.batches.state import BatchState
from trapper_kit.db import Session

COUNTED_AT_MOST = 10_000
"""Batches per line of the queue, results per look; far more than planning ever makes wait."""


@dataclass(frozen=True)
class Depth:
    """What waits for the same runtimes and the same models."""

    runtimes: str
    models: Sequence[str]
    """Names, in the order of the stages."""
    first_model: str
    """The key under which workers measure their speed."""
    unpinned: bool
    waiting: int
    resources: int
    unplanned: int
    oldest: UUID | None
    weights_bytes: int = 0
    """What the models weigh together."""


_DEPTHS = text(
    f"""
    select lines.runtimes, lines.stages, lines.first_model, lines.unpinned, lines.unplanned,
        coalesce(sum(waiting.batches), 0)::bigint, coalesce(sum(waiting.resources), 0)::bigint, min(waiting.oldest),
        lines.weights_bytes
    from (
        select terms.runtimes, terms.model_set, (array_agg(terms.job_config -> 'stages'))[1] as stages,
            min(terms.models ->> 0) as first_model, bool_or(terms.unpinned) as unpinned,
            min(terms.weights_bytes) as weights_bytes,
            sum(jobs.total - jobs.planned_through)::bigint as unplanned,
            array_agg(distinct terms.priority) as priorities
        from terms join jobs on jobs.id = terms.job_id and jobs.closed_at is null
        where terms.is_open
        group by terms.runtimes, terms.model_set
    ) as lines
    cross join unnest(lines.priorities) as line(priority)
    cross join lateral (
        select count(*) as batches, sum(size) as resources, min(id::text) as oldest
        from (
            select id, size from batches
            where state = '{BatchState.WAITING}' and runtimes = lines.runtimes and model_set = lines.model_set
                and priority = line.priority
            order by turn, id limit :at_most
        ) as next_in_turn
    ) as waiting
    group by lines.runtimes, lines.model_set, lines.stages, lines.first_model, lines.unpinned, lines.unplanned,
        lines.weights_bytes
    order by lines.runtimes, lines.model_set
    """  # noqa: S608 - a state of the enum
)


async def depths(db: Session) -> list[Depth]:
    """Returns the lines of the queue that have work, planned or not."""
    rows = await db.execute(_DEPTHS, {"at_most": COUNTED_AT_MOST})
    return [
        Depth(
            runtimes=row[0],
            models=[str(stage["model"]["name"]) for stage in row[1]],
            first_model=row[2],
            unpinned=row[3],
            unplanned=row[4],
            waiting=row[5],
            resources=row[6],
            oldest=UUID(row[7]) if row[7] else None,
            weights_bytes=row[8],
        )
        for row in rows
    ]


async def leased(db: Session) -> dict[str, tuple[int, int]]:
    """Batches in hand and the resources in them, by the runtimes that can run them."""
    statement = select(Batch.runtimes, func.count(), func.sum(Batch.size)).where(Batch.state == LEASED)
    rows = await db.execute(statement.group_by(Batch.runtimes))
    return {row[0]: (row[1], row[2]) for row in rows}


@dataclass(frozen=True)
class Speeds:
    """One worker of the fleet with its measured speeds."""

    runtimes: Sequence[str]
    images_per_second: dict[str, Any]
    alive: bool
    """Seen of late, and neither paused nor leaving."""


async def fleet(db: Session, *, seen_within: timedelta, measured_after: datetime) -> list[Speeds]:
    """Returns every worker that measured something lately, also those that are away."""
    rows = await db.execute(
        text(
            "select runtimes, images_per_second, seen_at > clock_timestamp() - make_interval(secs => :alive) "
            "and not paused and not drain and revoked_at is null from workers where seen_at > :measured_after"
        ),
        {"alive": seen_within.total_seconds(), "measured_after": measured_after},
    )
    return [Speeds(row[0], row[1], row[2]) for row in rows]


async def workers_by_state(db: Session, *, seen_within: timedelta) -> dict[str, int]:
    """Returns the number of workers by state, without revoked ones."""
    rows = await db.execute(
        text(
            "select case when seen_at > clock_timestamp() - make_interval(secs => :alive) is not true then 'silent' "
            "when drain then 'draining' when paused then 'paused' else 'alive' end as state, count(*) "
            "from workers where revoked_at is null group by state"
        ),
        {"alive": seen_within.total_seconds()},
    )
    return {row[0]: row[1] for row in rows}


async def losses(db: Session) -> dict[str, int]:
    """Returns the number of lost batches by kind of loss."""
    rows = await db.execute(text("select loss, sum(count)::bigint from worker_losses group by loss"))
    return {row[0]: row[1] for row in rows}


async def unwritten(db: Session) -> int:
    """Batches that were given up and whose failures nobody wrote down yet."""
    statement = select(func.count()).where(Batch.state == EXHAUSTED, Batch.result_sha256.is_(None))
    return (await db.scalars(statement)).one()


_UNFETCHED = text(
    """
    with recursive job(id) as (
        (select job_id from saved_results where acknowledged_at is null order by job_id limit 1)
        union all
        select (
            select job_id from saved_results where acknowledged_at is null and job_id > job.id order by job_id limit 1
        ) from job where job.id is not null
    )
    select
        (select count(*) from (select 1 from saved_results where acknowledged_at is null limit :at_most) as seen),
        extract(epoch from clock_timestamp() - min(oldest.closed_at))
    from job cross join lateral (
        select closed_at from saved_results where acknowledged_at is null and job_id = job.id
        order by closed_at limit 1
    ) as oldest
    """
)


async def unfetched(db: Session) -> tuple[int, float | None]:
    """Returns how many results wait to be fetched, and the age of the oldest in seconds."""
    row = (await db.execute(_UNFETCHED, {"at_most": COUNTED_AT_MOST})).one()
    return row[0], float(row[1]) if row[1] is not None else None


def made_at(uuid7: UUID) -> datetime:
    """Returns the time in a UUIDv7."""
    return datetime.fromtimestamp((uuid7.int >> 80) / 1000, UTC)
