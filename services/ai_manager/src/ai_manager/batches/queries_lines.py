"""The lines of the queue: from which a worker may claim, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from ai_manager.batches.state import SEPARATOR, BatchState
from ai_manager.direct import Direct


@dataclass(frozen=True)
class Line:
    """One line of the queue: batches that the same workers can run."""

    runtimes: str
    model_set: str
    priority: int


@dataclass(frozen=True)
class Asker:
    """A worker and the lines it may claim from, in order."""

    runtimes: Sequence[str]
    project: str
    offline: bool
    lines: Sequence[Line]
    has_forbidden: bool
    """Whether batches of this runtime wait that it may not have."""


_ASKER = f"""
select worker.runtimes, worker.project, worker.offline,
    worker.allow_unpinned is distinct from $6::boolean or worker.memory_bytes is distinct from $7::bigint as changed,
    line.runtimes as line, line.model_set, line.priority,
    line.mine, line.others
from workers worker
left join lateral (
    select kind.*, next_in_turn.turn
    from (
        select terms.runtimes, terms.model_set, terms.priority,
            bool_or(may.have) as mine, bool_or(not may.have) as others,
            max(case
                when terms.models <@ $3::jsonb then $5::int when terms.models <@ $4::jsonb then $5::int / 2 else 0
            end) as head_start
        from terms
        cross join lateral (
            select not worker.paused and not worker.drain
                and worker.project in ('', terms.project)
                and ($6::boolean or not terms.unpinned)
                and ($7::bigint is null or terms.weights_bytes <= $7::bigint) as have
        ) as may
        where terms.is_open and $2::text = any(string_to_array(terms.runtimes, '{SEPARATOR}'))
        group by terms.runtimes, terms.model_set, terms.priority
    ) as kind
    cross join lateral (
        select batches.turn from batches
        where batches.state = '{BatchState.WAITING}' and batches.runtimes = kind.runtimes
            and batches.model_set = kind.model_set and batches.priority = kind.priority
        order by batches.turn limit 1
    ) as next_in_turn
) line on true
where worker.id = $1 and worker.revoked_at is null
order by line.priority, line.turn - line.head_start
"""  # noqa: S608 - a constant of this service


_NOTE_ABILITY = "update workers set allow_unpinned = $2::boolean, memory_bytes = $3::bigint where id = $1"


async def asker(
    direct: Direct,
    worker_id: UUID,
    *,
    runtime: str,
    loaded: Sequence[str],
    on_disk: Sequence[str],
    affinity: int,
    allow_unpinned: bool,
    memory_bytes: int | None,
) -> Asker | None:
    """Returns the worker, unless it is revoked, and the lines where batches wait for it: by priority, then by turn.

    The queue is probed once for each line, however many jobs stand in it.

    A line whose models are in the worker's memory is served `affinity` turns early (half of that when they are on its
    disk), so that models are not swapped for each batch and yet nobody starves. Who is paused or drains has no line.
    """
    rows = await direct.fetch(
        _ASKER, worker_id, runtime, list(loaded), list(on_disk), affinity, allow_unpinned, memory_bytes
    )
    if not rows:
        return None
    if rows[0]["changed"]:
        await direct.fetch(_NOTE_ABILITY, worker_id, allow_unpinned, memory_bytes)
    lines = [Line(row["line"], row["model_set"], row["priority"]) for row in rows if row["mine"]]
    has_forbidden = any(row["others"] for row in rows)
    return Asker(rows[0]["runtimes"], rows[0]["project"], rows[0]["offline"], lines, has_forbidden)
