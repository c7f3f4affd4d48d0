"""Records descriptions of several resources in one transaction, with what follows for times and jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from expert.capture_times.queries import Place, Scope, hold_place
from expert.capture_times.rederive import columns_of, rederive
from expert.capture_times.resolve import resolve
from expert.capture_times.state import OffsetSource, TimeIssue
from expert.deps import ExpertWork
from expert.resources import queries_descriptions as queries
from expert.resources.models import Resource
from expert.resources.name_times import name_times
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.logs import log
from trapper_kit.pictures.read_time import TimeReading, TimeSource

_ATTEMPTS = 3
"""A resource may be moved to another deployment while its description is written."""
_UNKNOWN_TIME = {"time_source": TimeSource.NONE, "offset_source": OffsetSource.NONE, "outside_deployment": False}


@dataclass(frozen=True)
class Description:
    """What is written about a claimed resource; the time of a photo depends on its deployment."""

    resource: Resource
    values: dict[str, Any]
    reading: TimeReading | None = None


async def record_descriptions(work: ExpertWork, descriptions: Sequence[Description]) -> None:
    """Write all of them, or none; what another attempt has taken over is left to it."""
    left = list(descriptions)
    for _ in range(_ATTEMPTS):
        async with work.db() as db:
            recorded = await _record_once(db, left, now=work.clock.now())
        log("resources.described", resources=len(recorded))
        left = [description for description in left if description.resource.id not in recorded]
        if not left:
            return


async def _record_once(db: Session, descriptions: Sequence[Description], *, now: datetime) -> set[UUID]:
    """The ids of those recorded. Locks are taken in one order: folders, deployments, resources."""
    resource_ids = [description.resource.id for description in descriptions]
    folders = sorted({queries.folder_of(description.resource) for description in descriptions})
    await queries.hold_folders(db, folders)
    waiting = await queries.undescribed_folders(db, folders, besides=resource_ids)
    complete = [folder for folder in folders if folder not in waiting]
    deployments = await queries.deployments_of(db, resource_ids)
    await queries.hold_deployments(db, complete, set(deployments.values()))
    places = {id_: await hold_place(db, id_) for id_ in sorted(set(deployments.values()), key=str)}
    placed = [(description, places[deployments[description.resource.id]]) for description in descriptions]
    recorded = await queries.record_descriptions(db, [_row(description, place) for description, place in placed])
    for folder in complete:  # names count together: they are read once, when the last file of the folder is described
        await name_times(db, folder, now=now)
    await _order(db, [pair for pair in placed if pair[0].resource.id in recorded])
    for research_project_id in {folder.research_project_id for folder in folders}:
        if not await queries.any_undescribed(db, research_project_id):
            enqueue_after_commit(db, "jobs.cover")  # once nothing more waits; the sweep finds the rest
            break
    return recorded


def _row(description: Description, place: Place) -> dict[str, object]:
    resource, reading = description.resource, description.reading
    times = _UNKNOWN_TIME if reading is None else _time_columns(reading, place)
    return {
        "id": resource.id,
        "attempt": resource.describe_attempts,
        "claimed_deployment_id": place.deployment_id,
        "is_damaged": False,
        **description.values,
        **times,
    }


def _time_columns(reading: TimeReading, place: Place) -> dict[str, Any]:
    if reading.recorded is None:
        issue = None if reading.problem is None else TimeIssue.OUT_OF_RANGE
        return {**_UNKNOWN_TIME, "time_issue": issue, "time_issue_message": reading.problem}
    resolved = resolve(reading.recorded.at, reading.recorded.offset, place.clock)
    names = ("captured_at", "recorded_offset_seconds", "offset_source", "time_issue", "outside_deployment")
    return {
        "recorded_at": reading.recorded.at,
        "time_source": reading.recorded.source,
        **dict(zip(names, columns_of(resolved, place), strict=True)),
    }


async def _order(db: Session, placed: Sequence[tuple[Description, Place]]) -> None:
    """Look at the order of files again where an hour came twice, once per deployment and day."""
    days: dict[tuple[UUID | None, date], datetime] = {}
    for description, place in placed:
        recorded = None if description.reading is None else description.reading.recorded
        if recorded is not None and recorded.offset is None and place.clock.is_set_back_near(recorded.at):
            days[place.deployment_id, recorded.at.date()] = recorded.at
    for (deployment_id, _), at in sorted(days.items(), key=str):
        await queries.hold_card(db, deployment_id)
        await rederive(db, Scope(deployment_id=deployment_id, around=at))
