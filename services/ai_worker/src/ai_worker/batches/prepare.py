"""Brings everything a batch needs onto this machine, while the batch before it is still computed."""

import asyncio
from uuid import UUID

from ai_worker.batches.hand import Hand, Prepared, needed
from ai_worker.batches.prove import published
from ai_worker.devices.work import ResourceWork, StageWork
from ai_worker.media.fetch import fetch_media
from ai_worker.model_store.fetch_unpinned import fetch_asked
from trapper_schemas.v1.batches import BatchLease


def begin_preparing(work: Hand, run_id: UUID, lease: BatchLease) -> asyncio.Task[Prepared]:
    """The one task that prepares this run."""
    task = work.preparing.get(run_id)
    if task is None:
        work.in_use[run_id] = needed(lease)
        task = asyncio.create_task(_prepare(work, run_id, lease))
        task.add_done_callback(lambda _: work.wakeups.wake("batches.run"))
        work.preparing[run_id] = task
    return task


async def _prepare(work: Hand, run_id: UUID, lease: BatchLease) -> Prepared:
    def known(sha256: str) -> None:
        work.in_use[run_id] = work.in_use.get(run_id, frozenset[str]()) | {sha256}

    stages: list[StageWork] = []
    for asked in lease.stages:
        spec, path = await fetch_asked(work, work.store, work.media, asked, known=known)
        sha256 = spec.stage.model.key
        stages.append(StageWork(spec, path, published=await published(work, spec, sha256)))
    keep = frozenset[str]().union(*work.in_use.values())
    await asyncio.to_thread(work.store.evict, work.settings.weights_limit_bytes, keep=keep)
    await _book(work, run_id, lease)
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


async def _book(work: Hand, run_id: UUID, lease: BatchLease) -> None:
    """Wait for room in the cache; one batch alone may always come, however large it is."""
    size = sum(resource.size_bytes for resource in lease.resources)
    while work.booked and sum(work.booked.values()) + size > work.settings.cache_limit_bytes:
        work.unbooked.clear()
        await work.unbooked.wait()
    work.booked[run_id] = size
