"""Describes stored files: type, size, time, EXIF and thumbnail, or why they cannot be read; many at a time."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from expert.deps import ExpertWork
from expert.media_store import thumbnail_key
from expert.resources import queries_descriptions as queries
from expert.resources.locate_file import locate_file
from expert.resources.models import Resource
from expert.resources.read_picture import PictureFacts, read_picture
from expert.resources.record_descriptions import Description, record_descriptions
from expert.resources.sniff import HEAD_BYTES, NoPicture, sniff
from expert.resources.state import ResourceKind, ResourceState
from trapper_kit.cron import note_progress
from trapper_kit.db import is_away
from trapper_kit.logs import log
from trapper_kit.objects import ObjectMissing, StorageFull, StorageUnavailable
from trapper_kit.pictures.read_time import read_time
from trapper_schemas.v1.results import FailureCode

_LARGEST_PICTURE_BYTES = 500_000_000
_SNIFFED_FIRST_BYTES = 32_000_000
"""Of a file so large only the beginning is read where that shows that it is no picture."""


async def describe_stored(work: ExpertWork, *, limit: int) -> int:
    """Describe up to `limit` stored resources that nobody describes, and one of those whose attempt failed.

    Returns how many were recorded. An attempt that ended its process counts for every file of its batch, so a file that
    was tried before is tried alone: only what is broken is given up. Raises what is no fault of a file
    (StorageUnavailable, StorageFull, an unreachable database); such an attempt does not count.
    """
    first = await _claim_and_describe(work, limit=limit, is_first_attempt=True)
    return first + await _claim_and_describe(work, limit=1, is_first_attempt=False)


async def _claim_and_describe(work: ExpertWork, *, limit: int, is_first_attempt: bool) -> int:
    async with work.db() as db:
        holds = timedelta(seconds=work.settings.intervals.describe_claim)
        resources = await queries.claim_descriptions(db, limit=limit, is_first_attempt=is_first_attempt, holds=holds)
    waiting = {resource.id: resource for resource in resources}
    try:
        async with _renewing(work, resources, holds):
            results = await asyncio.gather(*(_describe(work, each) for each in resources), return_exceptions=True)
            failures = _failures(resources, results)
            described = [result for result in results if not isinstance(result, BaseException)]
            failures |= await _store_thumbnails(work, described)
            descriptions = [description for description, _ in described if description.resource.id not in failures]
            failures |= await _record(work, descriptions)
        for resource_id in waiting.keys() - failures.keys():
            del waiting[resource_id]
    except BaseException:
        await _release(work, list(waiting.values()), counts=False)
        raise
    by_the_file = [waiting[id_] for id_, failure in failures.items() if not _is_from_outside(failure)]
    from_outside = [waiting[id_] for id_, failure in failures.items() if _is_from_outside(failure)]
    await _release(work, by_the_file, counts=True)
    await _release(work, from_outside, counts=False)
    for resource_id, failure in failures.items():
        log("resource.description_failed", resource=resource_id, error=failure)
    if from_outside and len(from_outside) == len(resources):
        raise failures[from_outside[0].id]
    return len(resources) - len(failures)


@asynccontextmanager
async def _renewing(work: ExpertWork, resources: Sequence[Resource], holds: timedelta) -> AsyncGenerator[None, None]:
    """Keeps the claims while the block runs, so that slow files are not taken for those of a killed process."""
    renewal = asyncio.create_task(_renew(work, resources, holds)) if resources else None
    try:
        yield
    finally:
        if renewal is not None:
            renewal.cancel()
            await asyncio.wait({renewal})


async def _renew(work: ExpertWork, resources: Sequence[Resource], holds: timedelta) -> None:
    attempts = [(resource.id, resource.describe_attempts) for resource in resources]
    while True:
        await asyncio.sleep(holds.total_seconds() / 4)
        try:
            async with work.db() as db:
                await queries.renew_descriptions(db, attempts, holds=holds)
        except Exception as problem:  # noqa: BLE001 - the next turn tries again
            log("resource.claims_not_renewed", resources=len(resources), error=problem)


async def _store_thumbnails(
    work: ExpertWork, described: Sequence[tuple[Description, bytes | None]]
) -> dict[UUID, BaseException]:
    """Make all thumbnails durable together; where the store refuses, why each of their resources is not described."""
    thumbnails = [(description, thumbnail) for description, thumbnail in described if thumbnail is not None]

    async def objects() -> AsyncGenerator[tuple[str, bytes]]:
        for description, thumbnail in thumbnails:
            yield description.values["thumbnail_key"], thumbnail

    try:
        await work.media.put_all(objects())
    except (StorageUnavailable, StorageFull) as problem:
        return {description.resource.id: problem for description, _ in thumbnails}
    return {}


def _failures(
    resources: Sequence[Resource], results: Sequence[tuple[Description, bytes | None] | BaseException]
) -> dict[UUID, BaseException]:
    return {
        resource.id: result
        for resource, result in zip(resources, results, strict=True)
        if isinstance(result, BaseException)
    }


def _is_from_outside(failure: BaseException) -> bool:
    return isinstance(failure, StorageUnavailable | StorageFull) or is_away(failure)


async def _release(work: ExpertWork, resources: Sequence[Resource], *, counts: bool) -> None:
    if resources:
        async with work.db() as db:
            attempts = [(resource.id, resource.describe_attempts) for resource in resources]
            await queries.release_descriptions(db, attempts, counts=counts)


async def _record(work: ExpertWork, descriptions: Sequence[Description]) -> dict[UUID, BaseException]:
    """Record all in one transaction; where the database refuses it, each in its own, and say which failed."""
    if not descriptions:
        return {}
    try:
        await record_descriptions(work, descriptions)
    except Exception as problem:  # noqa: BLE001 - whatever it is about, one file may be the cause
        if is_away(problem) or len(descriptions) == 1:
            return {description.resource.id: problem for description in descriptions}
        log("resource.descriptions_refused", resources=len(descriptions), error=problem)
        failures: dict[UUID, BaseException] = {}
        for description in descriptions:
            failures |= await _record(work, [description])
        return failures
    return {}


async def _describe(work: ExpertWork, resource: Resource) -> tuple[Description, bytes | None]:
    """The description of a file, and the thumbnail of one that could be read."""
    attempt = resource.describe_attempts
    if attempt > work.settings.describe_attempts:
        message = f"reading this file failed {attempt - 1} times, or ended the reading process"
        return Description(resource, _failed(NoPicture(FailureCode.UNDECODABLE, message))), None
    async with work.describing:
        facts = await _read(work, resource)
    note_progress()
    if isinstance(facts, NoPicture):
        return Description(resource, _failed(facts)), None
    return Description(resource, _described(resource, facts), read_time(facts.exif)), facts.thumbnail


async def _read(work: ExpertWork, resource: Resource) -> PictureFacts | NoPicture:
    file = locate_file(resource)
    try:
        if file.size_bytes > _SNIFFED_FIRST_BYTES:
            refusal = sniff(await work.media.read_start(file.object_key, HEAD_BYTES))
            if refusal is not None:
                return refusal
        if file.size_bytes > _LARGEST_PICTURE_BYTES:
            return NoPicture(FailureCode.UNDECODABLE, f"the file has {file.size_bytes} bytes, too many for a photo")
        data = await work.media.read(file.object_key)
    except ObjectMissing:
        return NoPicture(FailureCode.MEDIA_UNREACHABLE, "the stored file is missing")
    settings = work.settings
    return await asyncio.to_thread(
        read_picture,
        data,
        max_pixels=settings.picture_max_pixels,
        max_lost=settings.picture_max_lost,
        thumbnail_pixels=settings.thumbnail_pixels,
    )


def _described(resource: Resource, facts: PictureFacts) -> dict[str, Any]:
    return {
        "state": ResourceState.DESCRIBED,
        "kind": ResourceKind.IMAGE,
        "media_type": facts.media_type,
        "width": facts.width,
        "height": facts.height,
        "exif": facts.exif or None,
        "is_damaged": facts.is_damaged,
        "thumbnail_key": thumbnail_key(resource.research_project_id, locate_file(resource).sha256, resource.generation),
    }


def _failed(refusal: NoPicture) -> dict[str, Any]:
    return {
        "state": ResourceState.UNREADABLE,
        "kind": refusal.kind,
        "media_type": refusal.media_type,
        "failure_code": refusal.code,
        "failure_message": refusal.message,
    }
