"""Make a person's row: a copy of another row (fork), or a new one without a source."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from expert.access.make_once import IdempotentRequest
from expert.classifications.check_attributes import check_attributes
from expert.classifications.check_gate import check_gate
from expert.classifications.errors import NotForkable
from expert.classifications.models import Classification
from expert.classifications.state import FORKABLE
from expert.classifications.write_person import copy_of, new_observation, write_person
from expert.observations import queries as observations
from expert.observations.state import ClassificationType, ObservationInput
from trapper_kit.db import Session


async def fork_classification(
    db: Session, source: Classification, *, request: IdempotentRequest, now: datetime
) -> tuple[Classification, bool]:
    """A user row with copies of the source's observations; the source stays as it is."""
    if source.type not in FORKABLE:
        raise NotForkable
    link, resource = await check_gate(db, source.classification_project_id, source.resource_id)
    sources = (await observations.of_classifications(db, [source.id])).get(source.id, [])
    return await write_person(
        db,
        ClassificationType.USER,
        link,
        resource,
        project_id=source.classification_project_id,
        source_id=source.id,
        static_attributes=dict(source.static_attributes),
        observations=[copy_of(observation) for observation, _ in sources],
        request=request,
        now=now,
    )


async def start_classification(
    db: Session,
    *,
    project_id: UUID,
    resource_id: UUID,
    static_attributes: dict[str, Any],
    inputs: Sequence[ObservationInput],
    request: IdempotentRequest,
    now: datetime,
) -> tuple[Classification, bool]:
    """A user row without a source."""
    link, resource = await check_gate(db, project_id, resource_id)
    await check_attributes(db, project_id, resource, static_attributes, inputs)
    return await write_person(
        db,
        ClassificationType.USER,
        link,
        resource,
        project_id=project_id,
        source_id=None,
        static_attributes=static_attributes,
        observations=[new_observation(observation) for observation in inputs],
        request=request,
        now=now,
    )
