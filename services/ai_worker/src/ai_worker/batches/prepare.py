"""Brings everything a batch needs onto this machine, while the batch before it is still computed."""

import asyncio
from uuid import UUID

from ai_worker.batches.hand import Hand, Prepared, needed
from ai_worker.devices.work import ResourceWork, StageWork
from ai_worker.media.fetch import fetch_media
from ai_worker.model_store.fetch import WeightsMissing, fetch_weights
from trapper_schemas.v1.batches import BatchLease


def begin_preparing(work: Hand, run_id: UUID, lease: BatchLease) -> asyncio.Task[Prepared]:
    """The one task that prepares this run."""
    task = work.preparing.get(run_id)
    if task is None:
        work.in_use[run_id] = needed(lease)
        task = asyncio.create_task(_prepare(work, run_id, lease))
        work.preparing[run_id] = task
    return task


async def _prepare(work: Hand, run_id: UUID, lease: BatchLease) -> Prepared:
    stages: list[StageWork] = []
    for spec in lease.stages:
        sha256 = spec.stage.model.sha256 or spec.model.sha256
        if sha256 is None:
            raise WeightsMissing(f"nobody confirmed which weights {spec.model.name} {spec.model.version} has")
        path = await fetch_weights(work, work.store, work.media, spec.model, sha256)
        stages.append(StageWork(spec, path))
    keep = frozenset[str]().union(*work.in_use.values())
    await asyncio.to_thread(work.store.evict, work.settings.weights_limit_bytes, keep=keep)
    files = await fetch_media(
        work,
        work.media,
        lease.resources,
        grant=lease.media_grant,
        origins=lease.media_origins,
        folder=work.folder(run_id),
    )
    resources = tuple(ResourceWork(ref, file) for ref, file in zip(lease.resources, files, strict=True))
    return Prepared(tuple(stages), resources)
