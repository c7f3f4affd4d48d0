"""Statements that give resources of a job their outcome, many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Integer, Text, Uuid, column, func, literal, or_, select, update

from expert.jobs.models import JobResource
from expert.jobs.state import Outcome
from trapper_kit.db import Session


@dataclass(frozen=True)
class ResourceOutcome:
    """How one resource of a batch ended; `batch_row` is its index in the blob."""

    resource_id: UUID
    batch_row: int
    outcome: Outcome
    has_animals: bool
    code: str | None
    message: str | None


async def foreign_resources(
    db: Session, job_id: UUID, resource_ids: Sequence[UUID], *, received_batch_id: UUID
) -> list[UUID]:
    """Those that are not of this job, or that another batch has answered."""
    own = select(JobResource.resource_id).where(
        JobResource.job_id == job_id,
        JobResource.resource_id.in_(resource_ids),
        or_(JobResource.received_batch_id.is_(None), JobResource.received_batch_id == received_batch_id),
    )
    known = set((await db.scalars(own)).all())
    return [resource_id for resource_id in resource_ids if resource_id not in known]


async def set_outcomes(
    db: Session, job_id: UUID, outcomes: Sequence[ResourceOutcome], *, received_batch_id: UUID
) -> None:
    """One statement for a whole batch."""
    columns = [
        ("resource_id", Uuid(), [outcome.resource_id for outcome in outcomes]),
        ("batch_row", Integer(), [outcome.batch_row for outcome in outcomes]),
        ("outcome", Text(), [outcome.outcome.value for outcome in outcomes]),
        ("has_animals", Boolean(), [outcome.has_animals for outcome in outcomes]),
        ("code", Text(), [outcome.code for outcome in outcomes]),
        ("message", Text(), [outcome.message for outcome in outcomes]),
    ]
    values_table = func.unnest(*(literal(values, ARRAY(kind)) for _, kind, values in columns)).table_valued(
        *(column(name, kind) for name, kind, _ in columns), name="ended"
    )
    values_table = values_table.render_derived()
    await db.execute(
        update(JobResource)
        .where(JobResource.job_id == job_id, JobResource.resource_id == values_table.c.resource_id)
        .values(
            outcome=values_table.c.outcome,
            has_animals=values_table.c.has_animals,
            code=values_table.c.code,
            message=values_table.c.message,
            batch_row=values_table.c.batch_row,
            received_batch_id=received_batch_id,
        )
    )
