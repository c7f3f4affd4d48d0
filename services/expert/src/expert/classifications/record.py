"""Record an AI run: new ai rows supersede the former ones; people's rows stay as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from expert.classifications import queries_record as queries
from expert.classifications.hooks import RecordedRows, after_recording
from expert.observations import queries as observations
from expert.observations.match_boxes import match_boxes
from expert.observations.models import Observation
from expert.observations.state import ClassificationType
from expert.observations.write_many import Fresh, NewObservation, Parent, write_many
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7

_NOBODY = UUID(int=0)


@dataclass(frozen=True)
class SeenByAi:
    """The observations that a job made of one resource."""

    resource_id: UUID
    batch_row: int
    observations: Sequence[NewObservation]
    content_hash: str
    deployment_id: UUID | None
    captured_at: datetime | None


@dataclass(frozen=True)
class Provenance:
    """The project, link, provider, job and batch that ai rows come from."""

    classification_project_id: UUID
    linked_collection_id: UUID
    provider_id: UUID
    job_id: UUID
    received_batch_id: UUID
    match_iou: float
    logits_algorithm_id: UUID | None = None
    features_algorithm_id: UUID | None = None
    job_config_version: int = 1
    only_own: bool = False
    """Whether rows of other jobs stay current, as in a re-parse."""


@dataclass(frozen=True)
class Recorded:
    """How many rows were written, and how many resources were left to the row of another job."""

    written: int
    superseded: int
    outputs: Sequence[tuple[UUID, int]] | None = None
    """Every object of the batch with its row in the batch's outputs, when all are new; None when the tables know."""


async def record_ai(db: Session, seen: Sequence[SeenByAi], source: Provenance, *, now: datetime) -> Recorded:
    """Write an ai row for each resource whose current row has another content hash.

    A current row with the same hash stays, and points to this batch when that holds more of the models' outputs.
    """
    if not seen:
        return Recorded(0, 0)
    ids = [resource.resource_id for resource in seen]
    project_id = source.classification_project_id
    finals = await queries.ensure_finals(
        db,
        project_id=project_id,
        linked_collection_id=source.linked_collection_id,
        resource_ids=ids,
        now=now,
    )
    current = await queries.hold_current(db, project_id=project_id, provider_id=source.provider_id, resource_ids=ids)
    own = [resource for resource in seen if not source.only_own or _is_own(current.get(resource.resource_id), source)]
    superseded = len(seen) - len(own)
    fresh = [resource for resource in own if not _is_unchanged(current.get(resource.resource_id), resource)]
    await _point_to_outputs(db, own, current, source)
    if not fresh:
        return Recorded(0, superseded)
    new_ids = {resource.resource_id: uuid7() for resource in fresh}
    former = {
        resource.resource_id: current[resource.resource_id].id for resource in fresh if resource.resource_id in current
    }
    old_objects = await observations.objects_of(db, list(former.values())) if former else {}
    if former:
        await queries.supersede(db, {old: new_ids[resource_id] for resource_id, old in former.items()})
        await observations.set_superseded(db, list(former.values()))
    await queries.copy_ai_rows(db, [_row(resource, new_ids, finals, source, now) for resource in fresh])
    groups = [
        (
            _parent(resource, new_ids[resource.resource_id], source),
            _matched(
                resource.observations, old_objects.get(former.get(resource.resource_id, _NOBODY), ()), source.match_iou
            ),
        )
        for resource in fresh
    ]
    begun = await write_many(db, groups, now=now)
    left = {row.occurrence_id for rows in old_objects.values() for row in rows if row.occurrence_id is not None}
    await after_recording(db, RecordedRows(project_id, begun, left), now=now)
    is_all_new = len(fresh) == len(seen) and not former
    return Recorded(len(fresh), superseded, _outputs(begun) if is_all_new else None)


def _outputs(begun: Sequence[Fresh]) -> list[tuple[UUID, int]]:
    rows = ((id_, [each.output_row for each in new.predictions if each.output_row is not None]) for id_, new in begun)
    return [(observation_id, min(output_rows)) for observation_id, output_rows in rows if output_rows]


def _is_own(current: queries.Current | None, source: Provenance) -> bool:
    return current is None or current.job_id == source.job_id


def _is_unchanged(current: queries.Current | None, resource: SeenByAi) -> bool:
    return current is not None and current.content_hash == resource.content_hash


async def _point_to_outputs(
    db: Session, seen: Sequence[SeenByAi], current: Mapping[UUID, queries.Current], source: Provenance
) -> None:
    """Point unchanged rows to this batch where it holds more logits or features than the batch they point to."""
    places: list[queries.OutputPlace] = []
    for resource in seen:
        row = current.get(resource.resource_id)
        if row is None or not _is_unchanged(row, resource) or not _holds_more(source, row):
            continue
        outputs = [
            (place, prediction.algorithm_id, prediction.output_row)
            for place, observation in enumerate(resource.observations)
            for prediction in observation.predictions
            if prediction.output_row is not None
        ]
        places.append(queries.OutputPlace(row.id, resource.batch_row, outputs))
    if places:
        await queries.point_to_batch(db, source.received_batch_id, places)


def _holds_more(source: Provenance, row: queries.Current) -> bool:
    """Whether a batch holds every output of the current row's batch, and another one."""
    new = source.logits_algorithm_id, source.features_algorithm_id
    old = row.logits_algorithm_id, row.features_algorithm_id
    return new != old and all(then is None or then == now for now, then in zip(new, old, strict=True))


def _row(
    resource: SeenByAi, new_ids: Mapping[UUID, UUID], finals: Mapping[UUID, UUID], source: Provenance, now: datetime
) -> dict[str, object]:
    return {
        "id": new_ids[resource.resource_id],
        "type": ClassificationType.AI.value,
        "classification_project_id": source.classification_project_id,
        "resource_id": resource.resource_id,
        "linked_collection_id": source.linked_collection_id,
        "final_classification_id": finals[resource.resource_id],
        "static_attributes": "{}",
        "created_at": now,
        "updated_at": now,
        "provider_id": source.provider_id,
        "job_id": source.job_id,
        "job_config_version": source.job_config_version,
        "received_batch_id": source.received_batch_id,
        "batch_row": resource.batch_row,
        "content_hash": resource.content_hash,
    }


def _parent(resource: SeenByAi, classification_id: UUID, source: Provenance) -> Parent:
    return Parent(
        classification_id=classification_id,
        classification_project_id=source.classification_project_id,
        resource_id=resource.resource_id,
        linked_collection_id=source.linked_collection_id,
        classification_type=ClassificationType.AI.value,
        deployment_id=resource.deployment_id,
        captured_at=resource.captured_at,
    )


def _matched(new: Sequence[NewObservation], old: Sequence[Observation], at_least: float) -> Sequence[NewObservation]:
    """The new observations, each with the former one that it matches by type and overlap."""
    if not old:
        return new
    boxed = [(index, observation) for index, observation in enumerate(new) if observation.bbox is not None]
    pairs = match_boxes(
        [(observation.observation_type.value, observation.bbox) for _, observation in boxed if observation.bbox],
        [(observation.observation_type.value, _box(observation)) for observation in old],
        at_least=at_least,
    )
    result = list(new)
    for i, j in pairs.items():
        index, observation = boxed[i]
        result[index] = replace(observation, matched_to_id=old[j].id, occurrence_id=old[j].occurrence_id)
    return result


def _box(row: Observation) -> tuple[float, float, float, float]:
    return (row.bbox_x or 0.0, row.bbox_y or 0.0, row.bbox_width or 0.0, row.bbox_height or 0.0)
