"""What a worker is told with every batch of a job, and what its results are held against; written once for many."""

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
class Brief:
    """The configuration of a job with the catalogue's entries; `told` is the end of each of its leases, as JSON."""

    config: JobConfig
    models: tuple[ModelEntry, ...]
    told: bytes


async def brief(work: Work, job_id: UUID) -> Brief:
    """As it is now, or was a second ago: terms never change, and an entry that does had been handed out before."""
    return await work.briefs.get(job_id, partial(_read, work, job_id))


async def _read(work: Work, job_id: UUID) -> Brief:
    async with work.db() as db:
        terms = (await queries.terms_of(db, [job_id]))[job_id]
        stages = terms.job_config.stages
        known = await catalog.by_refs(db, [stage.model for stage in stages])
    models = tuple(ModelEntry.model_validate(known[catalog.key_of(stage.model)].entry) for stage in stages)
    told = {
        "job_config": terms.job_config,
        "models": models,
        "media_grant": terms.media_grant,
        "media_origins": terms.media_origins,
    }
    return Brief(terms.job_config, models, to_json(told)[1:])


def lease_json(batch: Leased, brief: Brief, length: timedelta) -> bytes:
    """A `BatchLease` as it is answered; references are JSON already, as they lie in the database."""
    head = {
        "batch_id": batch.id,
        "job_id": batch.job_id,
        "attempt": batch.attempt,
        "token": batch.token,
        "expires_in_seconds": length.total_seconds(),
    }
    return b'%s,"resources":%s,%s' % (to_json(head)[:-1], raw(batch.resources), brief.told)
