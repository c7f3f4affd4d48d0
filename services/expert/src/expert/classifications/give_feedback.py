"""Report a correction of what is approved; it never changes what is approved."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from expert.access.make_once import IdempotentRequest
from expert.classifications import queries
from expert.classifications.check_attributes import check_said
from expert.classifications.check_gate import check_gate
from expert.classifications.errors import NotApproved
from expert.classifications.models import Classification
from expert.classifications.write_person import from_person, write_person
from expert.observations.state import ClassificationType, Told
from trapper_kit.db import Session


async def give_feedback(
    db: Session,
    about: Classification,
    *,
    static_attributes: dict[str, Any],
    said: Sequence[Told],
    request: IdempotentRequest,
    now: datetime,
) -> tuple[Classification, bool]:
    """A feedback row whose source is the approved one; only for a resource that has one."""
    final = await queries.final_of(db, about)
    if not final.is_approved or final.source_classification_id is None:
        raise NotApproved
    link, resource = await check_gate(db, about.classification_project_id, about.resource_id)
    await check_said(db, about.classification_project_id, static_attributes, said)
    return await write_person(
        db,
        ClassificationType.FEEDBACK,
        link,
        resource,
        project_id=about.classification_project_id,
        source_id=final.source_classification_id,
        static_attributes=static_attributes,
        observations=[from_person(one) for one in said],
        request=request,
        now=now,
    )
