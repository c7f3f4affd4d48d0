"""The lease context: what a worker must know to run a job's batches, encoded once per job."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from pydantic_core import to_json

from ai_manager.batches import queries
from ai_manager.batches.pack import raw
from ai_manager.batches.queries_hot import Leased
from ai_manager.catalog import queries as catalog
from ai_manager.deps import Work
from trapper_schemas.v1.jobs import JobConfig
from trapper_schemas.v1.models import ModelEntry


@dataclass(frozen=True)
class LeaseContext:
    """The configuration of a job with its catalogue entries; `shared_json` is the end of each of its leases."""

    config: JobConfig
    models: tuple[ModelEntry, ...]
    shared_json: bytes


async def lease_context(work: Work, job_id: UUID) -> LeaseContext:
    """Returns the lease context of a job; the entries may be a second old."""
    return await work.lease_contexts.get(job_id, partial(_read, work, job_id))


async def _read(work: Work, job_id: UUID) -> LeaseContext:
    async with work.db() as db:
        terms = (await queries.terms_of(db, [job_id]))[job_id]
        stages = terms.job_config.stages
        known = await catalog.by_refs(db, [stage.model for stage in stages])
    models = tuple(ModelEntry.model_validate(known[catalog.key_of(stage.model)].entry) for stage in stages)
    shared = {
        "job_config": terms.job_config,
        "models": models,
        "media_grant": terms.media_grant,
        "media_origins": terms.media_origins,
    }
    return LeaseContext(terms.job_config, models, to_json(shared)[1:])


def lease_json(batch: Leased, context: LeaseContext, length: timedelta) -> bytes:
    """Returns a `BatchLease` as JSON; resource references are JSON already in the database."""
    head = {
        "batch_id": batch.id,
        "job_id": batch.job_id,
        "attempt": batch.attempt,
        "token": batch.token,
        "expires_in_seconds": length.total_seconds(),
    }
    return b'%s,"resources":%s,%s' % (to_json(head)[:-1], raw(batch.resources), context.shared_json)
