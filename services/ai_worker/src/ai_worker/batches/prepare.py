"""Fetches the weights and media of a batch while the batch before it is computed (prefetching)."""

import asyncio
from uuid import UUID

from ai_worker.batches.active_runs import Prepared, weights_of
from ai_worker.batches.self_test import published
from ai_worker.batches.worker import Worker
from ai_worker.devices.work import ResourceWork, StageWork
from ai_worker.media.fetch import fetch_media
from ai_worker.model_store.fetch_unpinned import fetch_for_stage
from trapper_schemas.v1.batches import BatchLease


def begin_preparing(work: Worker, run_id: UUID, lease: BatchLease) -> asyncio.Task[Prepared]:
    """Returns the task that prepares this run; it is started once."""
    run = work.runs.get(run_id)
    if run.preparation is None:
        run.weights = weights_of(lease)
        run.preparation = asyncio.create_task(_prepare(work, run_id, lease))
        run.preparation.add_done_callback(lambda _: work.wakeups.wake("batches.run"))
    return run.preparation


async def _prepare(work: Worker, run_id: UUID, lease: BatchLease) -> Prepared:
    run = work.runs.get(run_id)

    def known(sha256: str) -> None:
        run.weights |= {sha256}

    stages: list[StageWork] = []
    for stage in lease.stages:
        spec, path = await fetch_for_stage(work, work.store, work.media, stage, known=known)
        sha256 = spec.stage.model.key
        stages.append(StageWork(spec, path, published=await published(work, spec, sha256)))
    await asyncio.to_thread(work.store.evict, work.settings.weights_limit_bytes, keep=work.runs.weights)
    size = sum(resource.size_bytes for resource in lease.resources)
    await work.runs.reserve_media(run_id, size, limit=work.settings.cache_limit_bytes)
    files = await fetch_media(
        work,
        work.media,
        lease.resources,
        grant=lease.media_grant,
        origins=lease.media_origins,
        folder=work.media_folder(run_id),
    )
    resources = tuple(ResourceWork(ref, file) for ref, file in zip(lease.resources, files, strict=True))
    return Prepared(tuple(stages), resources)
