"""Applies a kept batch: reads and checks its blob, has its rows written, then acknowledges it."""

import asyncio
from uuid import UUID

from expert.deps import ExpertWork
from expert.jobs.end import end_job
from expert.jobs.state import FrozenJobConfig, JobStage
from expert.media_store import blob_key
from expert.results import queries, queries_configs
from expert.results.acknowledge import acknowledge
from expert.results.models import ReceivedBatch
from expert.results.parse import read_settings
from expert.results.read_blob import read_batch
from expert.results.state import ReceivedState
from expert.results.write_batch import write_batch
from trapper_kit.db import enqueue_after_commit
from trapper_kit.objects import ObjectMissing
from trapper_schemas.codec import BlobRefused
from trapper_schemas.v1.check_results import BatchRefused
from trapper_schemas.v1.models import ModelKind


async def apply_batch(work: ExpertWork, received_batch_id: UUID) -> None:
    """Apply a batch once, however often this is called; one that is applied already is only acknowledged."""
    async with work.db() as db:
        kept = await queries.with_job(db, received_batch_id)
        if kept is None or kept[0].state is ReceivedState.REFUSED:
            return
        batch, job = kept
        config = await queries_configs.current_config(db, job) if batch.state is ReceivedState.KEPT else None
    if config is not None and not await _apply(work, batch, config):
        return
    if batch.acknowledged_at is None:
        await acknowledge(work, batch)
    elif config is not None:
        async with work.db() as db:
            enqueue_after_commit(db, "results.close", job_id=job.id)


async def _apply(work: ExpertWork, batch: ReceivedBatch, config: FrozenJobConfig) -> bool:
    try:
        blob = await work.blobs.read(blob_key(batch.sha256))
        at_least = config.threshold_of(ModelKind.DETECTION)
        checked = await asyncio.to_thread(read_batch, blob, batch.batch_id, config, at_least=at_least)
        async with work.db() as db:
            settings = await read_settings(db, config, checked.resources)
            return await write_batch(db, batch.id, checked, settings, now=work.clock.now())
    except (BlobRefused, BatchRefused) as problem:
        await _refuse(work, batch, f"{problem.reason}: {problem}")
    except ObjectMissing:
        await _refuse(work, batch, "missing: the kept blob is not in the store")
    return False


async def _refuse(work: ExpertWork, batch: ReceivedBatch, reason: str) -> None:
    async with work.db() as db:
        if await queries.mark_refused(db, batch.id, reason=reason):
            error = f"the results of batch {batch.batch_id} are refused: {reason}"
            await end_job(db, batch.job_id, JobStage.FAILED, now=work.clock.now(), error=error)
            enqueue_after_commit(db, "jobs.withdraw", job_id=batch.job_id)
