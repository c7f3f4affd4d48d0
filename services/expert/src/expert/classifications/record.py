"""Write what a job saw: new ai rows supersede the former ones, and a person's row is never touched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from expert.classifications import queries_record as queries
from expert.observations import queries as observations
from expert.observations.models import Observation
from expert.observations.state import ClassificationType, match
from expert.observations.write_many import NewObservation, Parent, write_many
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7

_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class SeenByAi:
    """One resource as a job saw it."""

    resource_id: UUID
    batch_row: int
    observations: Sequence[NewObservation]
    content_hash: str
    deployment_id: UUID | None
    captured_at: datetime | None


@dataclass(frozen=True)
class Provenance:
    """Where it comes from."""

    classification_project_id: UUID
    linked_collection_id: UUID
    provider_id: UUID
    job_id: UUID
    received_batch_id: UUID
    match_iou: float


async def record_ai(db: Session, seen: Sequence[SeenByAi], source: Provenance, *, now: datetime) -> int:
    """How many rows were written; a resource of which the current row says the same already gets none."""
    if not seen:
        return 0
    ids = [one.resource_id for one in seen]
    project_id = source.classification_project_id
    finals = await queries.ensure_finals(
        db,
        project_id=project_id,
        linked_collection_id=source.linked_collection_id,
        resource_ids=ids,
        now=now,
    )
    current = await queries.hold_current(db, project_id=project_id, provider_id=source.provider_id, resource_ids=ids)
    fresh = [one for one in seen if not _says_the_same(current.get(one.resource_id), one)]
    if not fresh:
        return 0
    new_ids = {one.resource_id: uuid7() for one in fresh}
    former = {one.resource_id: current[one.resource_id].id for one in fresh if one.resource_id in current}
    old_objects = await observations.objects_of(db, list(former.values())) if former else {}
    if former:
        await queries.supersede(db, {old: new_ids[resource_id] for resource_id, old in former.items()})
        await observations.set_superseded(db, list(former.values()))
    await queries.copy_ai_rows(db, [_row(one, new_ids, finals, source, now) for one in fresh])
    groups = [
        (
            _parent(one, new_ids[one.resource_id], source),
            _matched(one.observations, old_objects.get(former.get(one.resource_id, _NOBODY), ()), source.match_iou),
        )
        for one in fresh
    ]
    await write_many(db, groups, now=now)
    return len(fresh)


def _says_the_same(current: queries.Current | None, one: SeenByAi) -> bool:
    return current is not None and current.content_hash == one.content_hash


def _row(
    one: SeenByAi, new_ids: Mapping[UUID, UUID], finals: Mapping[UUID, UUID], source: Provenance, now: datetime
) -> dict[str, object]:
    return {
        "id": new_ids[one.resource_id],
        "type": ClassificationType.AI.value,
        "classification_project_id": source.classification_project_id,
        "resource_id": one.resource_id,
        "linked_collection_id": source.linked_collection_id,
        "final_classification_id": finals[one.resource_id],
        "static_attributes": "{}",
        "created_at": now,
        "updated_at": now,
        "provider_id": source.provider_id,
        "job_id": source.job_id,
        "received_batch_id": source.received_batch_id,
        "batch_row": one.batch_row,
        "content_hash": one.content_hash,
    }


def _parent(one: SeenByAi, classification_id: UUID, source: Provenance) -> Parent:
    return Parent(
        classification_id=classification_id,
        classification_project_id=source.classification_project_id,
        resource_id=one.resource_id,
        linked_collection_id=source.linked_collection_id,
        classification_type=ClassificationType.AI.value,
        deployment_id=one.deployment_id,
        captured_at=one.captured_at,
    )


def _matched(new: Sequence[NewObservation], old: Sequence[Observation], at_least: float) -> Sequence[NewObservation]:
    """Each new object knows which former one it is."""
    if not old:
        return new
    boxed = [(index, one) for index, one in enumerate(new) if one.bbox is not None]
    pairs = match(
        [(one.observation_type.value, one.bbox) for _, one in boxed if one.bbox is not None],
        [(one.observation_type.value, _box(one)) for one in old],
        at_least=at_least,
    )
    result = list(new)
    for i, j in pairs.items():
        index, one = boxed[i]
        result[index] = replace(one, matched_to_id=old[j].id)
    return result


def _box(one: Observation) -> tuple[float, float, float, float]:
    return (one.bbox_x or 0.0, one.bbox_y or 0.0, one.bbox_width or 0.0, one.bbox_height or 0.0)
