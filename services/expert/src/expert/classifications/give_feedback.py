"""Report a correction of what is approved; it never changes what is approved."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from expert.access.make_once import IdempotentRequest
from expert.classifications import queries
from expert.classifications.check_attributes import check_attributes
from expert.classifications.check_gate import check_gate
from expert.classifications.errors import NotApproved
from expert.classifications.models import Classification
from expert.classifications.write_person import new_observation, write_person
from expert.observations.state import ClassificationType, ObservationInput
from trapper_kit.db import Session


async def give_feedback(
    db: Session,
    about: Classification,
    *,
    static_attributes: dict[str, Any],
    inputs: Sequence[ObservationInput],
    request: IdempotentRequest,
    now: datetime,
) -> tuple[Classification, bool]:
    """A feedback row whose source is the approved one; only for a resource that has one."""
    final = await queries.final_of(db, about)
    if not final.is_approved or final.source_classification_id is None:
        raise NotApproved
    link, resource = await check_gate(db, about.classification_project_id, about.resource_id)
    await check_attributes(db, about.classification_project_id, resource, static_attributes, inputs)
    return await write_person(
        db,
        ClassificationType.FEEDBACK,
        link,
        resource,
        project_id=about.classification_project_id,
        source_id=final.source_classification_id,
        static_attributes=static_attributes,
        observations=[new_observation(observation) for observation in inputs],
        request=request,
        now=now,
    )
