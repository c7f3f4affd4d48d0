"""Read what a stored file is: type, size, time, EXIF; make its thumbnail; or say why it cannot be read."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from expert.deps import ExpertWork
from expert.media_store import thumbnail_key
from expert.resources import queries
from expert.resources.models import Resource
from expert.resources.read_picture import PictureFacts, read_picture
from expert.resources.read_time import captured_at, read_time
from expert.resources.sniff import HEAD_BYTES, NoPicture, sniff
from expert.resources.state import ResourceKind, ResourceState, TimeSource
from trapper_kit.db import enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.objects import ObjectMissing
from trapper_schemas.v1.results import FailureCode

_LARGEST_PICTURE_BYTES = 500_000_000


async def describe_resource(work: ExpertWork, resource_id: UUID) -> None:
    """Claim, read outside of any transaction, record; a file that kills its process is given up after some attempts."""
    async with work.db() as db:
        holds = timedelta(seconds=work.settings.intervals.describe_claim)
        resource = await queries.claim_description(db, resource_id, holds=holds)
    if resource is None:
        return
    attempt = resource.describe_attempts
    if attempt > work.settings.describe_attempts:
        message = f"reading this file ended the reading process {attempt - 1} times"
        await _record(work, resource, attempt, _failed(NoPicture(FailureCode.UNDECODABLE, message)))
        return
    try:
        found = await _look(work, resource)
        values = await _described(work, resource, found) if isinstance(found, PictureFacts) else _failed(found)
    except BaseException:
        async with work.db() as db:
            await queries.release_description(db, resource.id, attempt)
        raise
    await _record(work, resource, attempt, values)


async def describe_stored(work: ExpertWork, *, limit: int, at_once: int) -> int:
    """Describe what nobody describes; answers how many were found."""
    async with work.db() as db:
        found = await queries.undescribed(db, limit=limit)
    gate = asyncio.Semaphore(at_once)

    async def one(resource_id: UUID) -> None:
        async with gate:
            await describe_resource(work, resource_id)

    async with asyncio.TaskGroup() as group:
        for resource_id in found:
            group.create_task(one(resource_id))
    return len(found)


async def _look(work: ExpertWork, resource: Resource) -> PictureFacts | NoPicture:
    try:
        refusal = sniff(await work.media.read_start(resource.object_key, HEAD_BYTES))
        if refusal is not None:
            return refusal
        if resource.size_bytes > _LARGEST_PICTURE_BYTES:
            return NoPicture(FailureCode.UNDECODABLE, f"the file has {resource.size_bytes} bytes, too many for a photo")
        data = await work.media.read(resource.object_key)
    except ObjectMissing:
        return NoPicture(FailureCode.MEDIA_UNREACHABLE, "the stored file is missing")
    settings = work.settings
    return await asyncio.to_thread(
        read_picture, data, max_pixels=settings.picture_max_pixels, thumbnail_pixels=settings.thumbnail_pixels
    )


async def _described(work: ExpertWork, resource: Resource, facts: PictureFacts) -> dict[str, Any]:
    key = thumbnail_key(resource.research_project_id, resource.sha256, resource.generation)
    await work.media.put(key, facts.thumbnail)
    return {
        "state": ResourceState.DESCRIBED,
        "kind": ResourceKind.IMAGE,
        "media_type": facts.media_type,
        "width": facts.width,
        "height": facts.height,
        "exif": facts.exif or None,
        "is_damaged": facts.is_damaged,
        "thumbnail_key": key,
        **await _times(work, resource, facts),
    }


async def _times(work: ExpertWork, resource: Resource, facts: PictureFacts) -> dict[str, Any]:
    recorded = read_time(facts.exif, resource.file_name)
    if recorded is None:
        return {"time_source": TimeSource.NONE}
    async with work.db() as db:
        time_zone, ignore_dst = await queries.place_of(db, resource.deployment_id)
    moment, offset = captured_at(recorded.at, recorded.offset, time_zone=time_zone, ignore_dst=ignore_dst)
    return {
        "recorded_at": recorded.at,
        "recorded_offset_seconds": int(offset.total_seconds()) if offset is not None else None,
        "captured_at": moment,
        "time_source": recorded.source,
    }


def _failed(refusal: NoPicture) -> dict[str, Any]:
    return {
        "state": ResourceState.UNREADABLE,
        "kind": refusal.kind,
        "media_type": refusal.media_type,
        "failure_code": refusal.code,
        "failure_message": refusal.message,
    }


async def _record(work: ExpertWork, resource: Resource, attempt: int, values: dict[str, Any]) -> None:
    async with work.db() as db:
        if not await queries.record_description(db, resource.id, attempt, values):
            return
        if not await queries.any_undescribed(db, resource.research_project_id):
            enqueue_after_commit(db, "jobs.cover")  # with the last one of a burst; the sweep finds the rest
    log(f"resource.{values['state']}", resource=resource.id, code=values.get("failure_code"))
