"""Applies a kept batch: checks it again, writes its rows in one transaction, then acknowledges it."""

import asyncio
from datetime import datetime
from uuid import UUID

from expert.classifications.record import Provenance, record_ai
from expert.deps import ExpertWork
from expert.jobs import queries as jobs
from expert.jobs import queries_scope
from expert.jobs.end import end_job
from expert.jobs.queries_outcomes import foreign_resources, set_outcomes
from expert.jobs.state import CLOSED, FIRST_CONFIG, JobStage
from expert.media_store import blob_key
from expert.results import queries, queries_configs
from expert.results.acknowledge import acknowledge
from expert.results.models import ReceivedBatch
from expert.results.parse import ParseSettings, parse_batch, read_settings
from expert.results.read_blob import CheckedBatch, read_batch
from expert.results.state import ReceivedState
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.objects import ObjectMissing
from trapper_schemas.codec import BlobRefused
from trapper_schemas.v1.check_results import BatchRefused
from trapper_schemas.v1.results import digest_of


async def apply_batch(work: ExpertWork, received_batch_id: UUID) -> None:
    """Apply a batch once, however often this is called; one that is applied already is only acknowledged."""
    async with work.db() as db:
        batch = await queries.get(db, received_batch_id)
        if batch is None or batch.state is ReceivedState.REFUSED:
            return
        job = await jobs.get(db, batch.job_id)
        assert job is not None  # noqa: S101 - a foreign key holds it
        settings = None
        if batch.state is ReceivedState.KEPT:
            settings = await read_settings(db, await queries_configs.current_config(db, job))
    if settings is not None and not await _apply(work, batch, settings):
        return
    if batch.acknowledged_at is None:
        await acknowledge(work, batch)
    elif settings is not None:
        async with work.db() as db:
            enqueue_after_commit(db, "results.close", job_id=job.id)


async def _apply(work: ExpertWork, batch: ReceivedBatch, settings: ParseSettings) -> bool:
    try:
        blob = await work.blobs.read(blob_key(batch.sha256))
        checked = await asyncio.to_thread(
            read_batch, blob, batch.batch_id, settings.config, at_least=settings.detector.threshold
        )
        async with work.db() as db:
            return await write_batch(db, batch.id, checked, settings, now=work.clock.now())
    except (BlobRefused, BatchRefused) as problem:
        await _refuse(work, batch, f"{problem.reason}: {problem}")
    except ObjectMissing:
        await _refuse(work, batch, "missing: the kept blob is not in the store")
    return False


async def write_batch(
    db: Session, received_batch_id: UUID, checked: CheckedBatch, settings: ParseSettings, *, now: datetime
) -> bool:
    """Write all rows of one batch in the caller's transaction; return False when there is nothing left to do."""
    batch = await queries.get(db, received_batch_id, lock=True)
    if batch is None or batch.state is not ReceivedState.KEPT:
        return batch is not None and batch.state is ReceivedState.APPLIED
    job = await queries.hold_job(db, batch.job_id)
    if job.stage in CLOSED:
        await queries.mark_refused(db, batch.id, reason=f"late: the job is {job.stage.value}")
        return False
    ids = [resource.resource_id for resource in checked.resources]
    foreign = await foreign_resources(db, job.id, ids, received_batch_id=batch.id)
    if foreign or len(set(ids)) != len(ids):
        raise BatchRefused("resources", f"{foreign or 'one twice'}: resources that this batch cannot be about")
    resources = await queries.resource_facts(db, ids)
    hashes = [resources[resource_id].stored_sha256 for resource_id in ids]
    read = [resource.failure is None for resource in checked.resources]
    if batch.times_applied == 0 and checked.media_digest != digest_of(hashes, read):
        raise BatchRefused("media", "the files that were read are not those of these resources")
    parsed = parse_batch(
        checked.resources, settings, {key: (row.deployment_id, row.captured_at) for key, row in resources.items()}
    )
    provenance = Provenance(
        classification_project_id=job.classification_project_id,
        linked_collection_id=job.linked_collection_id,
        provider_id=job.detection_provider_id,
        job_id=job.id,
        job_config_version=job.job_config_version,
        received_batch_id=batch.id,
        match_iou=settings.config.match_iou,
        only_own=job.job_config_version > FIRST_CONFIG,
    )
    recorded = await record_ai(db, parsed.seen, provenance, now=now)
    await set_outcomes(db, job.id, parsed.outcomes, received_batch_id=batch.id)
    await queries_scope.mark_ended(db, job.linked_collection_id, ids, now=now)
    await queries.mark_applied(db, batch.id, now=now, superseded=recorded.superseded, **parsed.counts())
    log("batch.applied", job=job.id, batch=batch.batch_id, resources=len(ids), superseded=recorded.superseded)
    return True


async def _refuse(work: ExpertWork, batch: ReceivedBatch, reason: str) -> None:
    async with work.db() as db:
        if await queries.mark_refused(db, batch.id, reason=reason):
            error = f"the results of batch {batch.batch_id} are refused: {reason}"
            await end_job(db, batch.job_id, JobStage.FAILED, now=work.clock.now(), error=error)
            enqueue_after_commit(db, "jobs.withdraw", job_id=batch.job_id)
