"""The lines of the queue: where a worker may take from, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import any_, case, false, func, literal, select, true
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB

from ai_manager.batches.models import WAITING, Batch, Terms
from ai_manager.batches.state import SEPARATOR
from trapper_kit.db import Session


@dataclass(frozen=True)
class Line:
    """One line of the queue: batches that the same workers can run."""

    runtimes: str
    model_set: str
    priority: int


async def lines(
    db: Session,
    *,
    runtime: str,
    project: str,
    loaded: Sequence[str],
    on_disk: Sequence[str],
    affinity: int,
    allow_unpinned: bool,
    memory_bytes: int | None = None,
) -> list[Line]:
    """Where batches wait that a worker of this runtime may have: by priority, then by turn.

    A line whose models are in the worker's memory is served `affinity` turns early (half of that when they are on its
    disk), so that models are not swapped for each batch and yet nobody starves.
    """
    first = (
        select(Batch.turn)
        .where(
            Batch.state == WAITING,
            Batch.runtimes == Terms.runtimes,
            Batch.model_set == Terms.model_set,
            Batch.priority == Terms.priority,
        )
        .order_by(Batch.turn)
        .limit(1)
        .correlate(Terms)
        .scalar_subquery()
    )
    head_start = case(
        (_contained(Terms.models, loaded), affinity), (_contained(Terms.models, on_disk), affinity // 2), else_=0
    )
    open_lines = (
        select(Terms.runtimes, Terms.model_set, Terms.priority, first.label("turn"), head_start.label("head_start"))
        .where(
            Terms.is_open,
            literal(runtime) == any_(func.string_to_array(Terms.runtimes, SEPARATOR)),
            literal(project).in_(["", Terms.project]),
            literal(allow_unpinned) | ~Terms.unpinned,
            true() if memory_bytes is None else Terms.weights_bytes <= memory_bytes,
        )
        .distinct()
        .subquery()
    )
    rows = await db.execute(
        select(open_lines.c.runtimes, open_lines.c.model_set, open_lines.c.priority)
        .where(open_lines.c.turn.is_not(None))
        .order_by(open_lines.c.priority, open_lines.c.turn - open_lines.c.head_start)
    )
    return [Line(*row) for row in rows]


def _contained(models: Any, known: Sequence[str]) -> Any:
    return models.op("<@")(sql_cast(list(known), JSONB)) if known else false()
