"""Write a row of a person, with its observations, into the one final row of its resource."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from expert.access.make_once import IdempotentRequest, make_once
from expert.classification_projects.models import LinkedCollectionResource
from expert.classifications import queries
from expert.classifications.models import Classification
from expert.observations.models import Observation
from expert.observations.state import ClassificationType, Told
from expert.observations.write_many import NewObservation, Parent, write_many
from expert.resources.models import Resource
from trapper_kit.db import Session


async def write_person(
    db: Session,
    kind: ClassificationType,
    link: LinkedCollectionResource,
    resource: Resource,
    *,
    project_id: UUID,
    source_id: UUID | None,
    static_attributes: dict[str, Any],
    observations: Sequence[NewObservation],
    request: IdempotentRequest,
    now: datetime,
) -> tuple[Classification, bool]:
    """The row and True, or the row that the same request made before and False."""
    final_id = await queries.ensure_final(
        db, project_id=project_id, resource_id=resource.id, linked_id=link.linked_collection_id, now=now
    )
    row = Classification(
        type=kind,
        classification_project_id=project_id,
        resource_id=resource.id,
        linked_collection_id=link.linked_collection_id,
        final_classification_id=final_id,
        source_classification_id=source_id,
        owner_id=request.caller_id,
        static_attributes=static_attributes,
        created_at=now,
        updated_at=now,
    )
    row, made = await make_once(db, row, request, taken={})
    if made:
        await write_many(db, [(parent_of(row, resource), observations)], now=now)
    return row, made


def parent_of(row: Classification, resource: Resource) -> Parent:
    """What the observations of a person's row repeat of it."""
    return Parent(
        classification_id=row.id,
        classification_project_id=row.classification_project_id,
        resource_id=row.resource_id,
        linked_collection_id=row.linked_collection_id,
        classification_type=row.type.value,
        deployment_id=resource.deployment_id,
        captured_at=resource.captured_at,
    )


def from_person(one: Told) -> NewObservation:
    """What a person says; a box on a photo is on its only frame."""
    frame = 0 if one.bbox is not None and one.first_frame_index is None else one.first_frame_index
    return NewObservation(
        observation_type=one.observation_type,
        observation_level=one.observation_level,
        taxon_id=one.taxon_id,
        sex=one.sex,
        life_stage=one.life_stage,
        behaviour=one.behaviour,
        count=one.count,
        individual_id=one.individual_id,
        bbox=one.bbox,
        first_frame_index=frame,
        custom_attributes=one.custom_attributes or None,
        tags=one.tags or None,
    )


def copy_of(one: Observation) -> NewObservation:
    """The same words in another row; it knows which one it was copied from."""
    box = None
    if one.bbox_x is not None:
        box = (one.bbox_x, one.bbox_y or 0.0, one.bbox_width or 0.0, one.bbox_height or 0.0)
    return NewObservation(
        observation_type=one.observation_type,
        observation_level=one.observation_level,
        taxon_id=one.taxon_id,
        label=one.label,
        sex=one.sex,
        life_stage=one.life_stage,
        behaviour=one.behaviour,
        count=one.count,
        individual_id=one.individual_id,
        bbox=box,
        first_frame_index=one.first_frame_index,
        detection_confidence=one.detection_confidence,
        classification_confidence=one.classification_confidence,
        custom_attributes=one.custom_attributes,
        tags=one.tags,
        copied_from_id=one.id,
    )
