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
from expert.observations.state import ClassificationType, ObservationInput
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
    """The columns that the observations of a person's row copy from it."""
    return Parent(
        classification_id=row.id,
        classification_project_id=row.classification_project_id,
        resource_id=row.resource_id,
        linked_collection_id=row.linked_collection_id,
        classification_type=row.type.value,
        deployment_id=resource.deployment_id,
        captured_at=resource.captured_at,
    )


def new_observation(observation: ObservationInput) -> NewObservation:
    """A person's observation as it is written; a box without a frame index is on the first frame."""
    boxed = observation.bbox is not None and observation.first_frame_index is None
    return NewObservation(
        observation_type=observation.observation_type,
        observation_level=observation.observation_level,
        taxon_id=observation.taxon_id,
        sex=observation.sex,
        life_stage=observation.life_stage,
        behaviour=observation.behaviour,
        count=observation.count,
        individual_id=observation.individual_id,
        bbox=observation.bbox,
        first_frame_index=0 if boxed else observation.first_frame_index,
        custom_attributes=observation.custom_attributes or None,
        tags=observation.tags or None,
    )


def copy_of(observation: Observation) -> NewObservation:
    """The same observation for another row, with where it was copied from."""
    box = None
    if observation.bbox_x is not None:
        corner = (observation.bbox_x, observation.bbox_y or 0.0)
        box = (*corner, observation.bbox_width or 0.0, observation.bbox_height or 0.0)
    return NewObservation(
        observation_type=observation.observation_type,
        observation_level=observation.observation_level,
        taxon_id=observation.taxon_id,
        label=observation.label,
        sex=observation.sex,
        life_stage=observation.life_stage,
        behaviour=observation.behaviour,
        count=observation.count,
        individual_id=observation.individual_id,
        bbox=box,
        first_frame_index=observation.first_frame_index,
        detection_confidence=observation.detection_confidence,
        classification_confidence=observation.classification_confidence,
        custom_attributes=observation.custom_attributes,
        tags=observation.tags,
        copied_from_id=observation.id,
        occurrence_id=observation.occurrence_id,
    )
