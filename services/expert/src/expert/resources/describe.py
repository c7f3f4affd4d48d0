"""Describes a stored file: type, size, time, EXIF and thumbnail, or why it cannot be read."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from expert.capture_times.queries import Place, Scope, hold_place
from expert.capture_times.rederive import columns_of, rederive
from expert.capture_times.resolve import resolve
from expert.capture_times.state import TimeIssue
from expert.deps import ExpertWork
from expert.media_store import thumbnail_key
from expert.resources import queries
from expert.resources.models import Resource
from expert.resources.name_times import name_times
from expert.resources.read_picture import PictureFacts, read_picture
from expert.resources.sniff import HEAD_BYTES, NoPicture, sniff
from expert.resources.state import ResourceKind, ResourceState
from trapper_kit.cron import note_progress
from trapper_kit.db import Session, enqueue_after_commit, is_away
from trapper_kit.logs import log
from trapper_kit.objects import ObjectMissing, StorageFull, StorageUnavailable
from trapper_kit.pictures.read_time import Recorded, TimeReading, TimeSource, read_time
from trapper_schemas.v1.results import FailureCode

_LARGEST_PICTURE_BYTES = 500_000_000
_RECORD_ATTEMPTS = 3
"""A resource may be moved to another deployment while its description is written."""


async def describe_resource(work: ExpertWork, resource_id: UUID) -> None:
    """Claims, reads outside of any transaction, and stores; gives up after repeated failures of the file.

    Raises what is no fault of the file (StorageUnavailable, StorageFull, an unreachable database); the attempt does not
    count then.
    """
    async with work.db() as db:
        holds = timedelta(seconds=work.settings.intervals.describe_claim)
        resource = await queries.claim_description(db, resource_id, holds=holds)
    if resource is None:
        return
    attempt = resource.describe_attempts
    if attempt > work.settings.describe_attempts:
        message = f"reading this file failed {attempt - 1} times, or ended the reading process"
        await _record(work, resource, _Description(attempt, _failed(NoPicture(FailureCode.UNDECODABLE, message))))
        return
    try:
        facts = await _read(work, resource)
        if isinstance(facts, PictureFacts):
            values = await _described(work, resource, facts)
            await _record(work, resource, _Description(attempt, values, read_time(facts.exif)))
        else:
            await _record(work, resource, _Description(attempt, _failed(facts)))
    except Exception as problem:
        is_fault_of_file = not (isinstance(problem, StorageUnavailable | StorageFull) or is_away(problem))
        async with work.db() as db:
            await queries.release_description(db, resource.id, attempt, counts=is_fault_of_file)
        if not is_fault_of_file:
            raise
        log("resource.description_failed", resource=resource.id, attempt=attempt, error=problem)
    except BaseException:
        async with work.db() as db:
            await queries.release_description(db, resource.id, attempt, counts=False)
        raise


async def describe_stored(work: ExpertWork, *, limit: int, at_once: int) -> int:
    """Describes stored resources that no task describes and returns their number.

    Raises the first failure when nothing could be described, as when the media store is away.
    """
    async with work.db() as db:
        resource_ids = await queries.undescribed(db, limit=limit)
    gate = asyncio.Semaphore(at_once)

    async def describe(resource_id: UUID) -> None:
        async with gate:
            await describe_resource(work, resource_id)
            note_progress()

    results = await asyncio.gather(*map(describe, resource_ids), return_exceptions=True)
    failures = [(id_, result) for id_, result in zip(resource_ids, results, strict=True) if result is not None]
    for resource_id, failure in failures:
        log("resource.description_postponed", resource=resource_id, error=failure)
    if failures and len(failures) == len(resource_ids):
        raise failures[0][1]
    return len(resource_ids) - len(failures)


async def _read(work: ExpertWork, resource: Resource) -> PictureFacts | NoPicture:
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
    }


def _time_columns(reading: TimeReading, place: Place) -> dict[str, Any]:
    if reading.recorded is None:
        issue = None if reading.problem is None else TimeIssue.OUT_OF_RANGE
        return {"time_source": TimeSource.NONE, "time_issue": issue, "time_issue_message": reading.problem}
    resolved = resolve(reading.recorded.at, reading.recorded.offset, place.clock)
    names = ("captured_at", "recorded_offset_seconds", "offset_source", "time_issue", "outside_deployment")
    return {
        "recorded_at": reading.recorded.at,
        "time_source": reading.recorded.source,
        **dict(zip(names, columns_of(resolved, place), strict=True)),
    }


def _failed(refusal: NoPicture) -> dict[str, Any]:
    return {
        "state": ResourceState.UNREADABLE,
        "kind": refusal.kind,
        "media_type": refusal.media_type,
        "failure_code": refusal.code,
        "failure_message": refusal.message,
    }


@dataclass(frozen=True)
class _Description:
    """What is written about a resource; the time of a photo depends on its deployment."""

    attempt: int
    values: dict[str, Any]
    reading: TimeReading | None = None


async def _record(work: ExpertWork, resource: Resource, description: _Description) -> None:
    for _ in range(_RECORD_ATTEMPTS):
        async with work.db() as db:
            recorded = await _record_once(db, resource, description, now=work.clock.now())
        if recorded:
            values = description.values
            log(f"resource.{values['state']}", resource=resource.id, code=values.get("failure_code"))
            return


async def _record_once(db: Session, resource: Resource, description: _Description, *, now: datetime) -> bool:
    reading = description.reading
    await queries.hold_folder(db, resource)
    is_last = not await queries.any_undescribed_beside(db, resource)
    if is_last:  # names count together, so they are read once, when the last file of the folder is described
        await queries.hold_deployments_of_folder(db, resource)
    place = await hold_place(db, await queries.deployment_of(db, resource.id))
    times = {} if reading is None else _time_columns(reading, place)
    values = {**description.values, **times}
    if not await queries.record_description(db, resource.id, description.attempt, place.deployment_id, values):
        return False
    if is_last:
        await name_times(db, resource, now=now)
    if reading is not None and reading.recorded is not None:
        await _order(db, place, reading.recorded)
    if not await queries.any_undescribed(db, resource.research_project_id):
        enqueue_after_commit(db, "jobs.cover")  # once nothing more waits; the sweep finds the rest
    return True


async def _order(db: Session, place: Place, recorded: Recorded) -> None:
    """Look at the order of files again where an hour came twice."""
    if recorded.offset is None and place.clock.is_set_back_near(recorded.at):
        await queries.hold_card(db, place.deployment_id)
        await rederive(db, Scope(deployment_id=place.deployment_id, around=recorded.at))
