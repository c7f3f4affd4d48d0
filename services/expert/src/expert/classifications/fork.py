"""Start a person's version: a copy of what another row says, or something said from nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from expert.access.make_once import IdempotentRequest
from expert.classifications.check_attributes import check_said
from expert.classifications.check_gate import check_gate
from expert.classifications.errors import NotForkable
from expert.classifications.models import Classification
from expert.classifications.state import FORKABLE
from expert.classifications.write_person import copy_of, from_person, write_person
from expert.observations import queries as observations
from expert.observations.state import ClassificationType, Told
from trapper_kit.db import Session


async def fork_classification(
    db: Session, source: Classification, *, request: IdempotentRequest, now: datetime
) -> tuple[Classification, bool]:
    """A user row with copies of the source's observations; the source stays as it is."""
    if source.type not in FORKABLE:
        raise NotForkable
    link, resource = await check_gate(db, source.classification_project_id, source.resource_id)
    said = (await observations.of_classifications(db, [source.id])).get(source.id, [])
    return await write_person(
        db,
        ClassificationType.USER,
        link,
        resource,
        project_id=source.classification_project_id,
        source_id=source.id,
        static_attributes=dict(source.static_attributes),
        observations=[copy_of(one) for one, _ in said],
        request=request,
        now=now,
    )


async def start_classification(
    db: Session,
    *,
    project_id: UUID,
    resource_id: UUID,
    static_attributes: dict[str, Any],
    said: Sequence[Told],
    request: IdempotentRequest,
    now: datetime,
) -> tuple[Classification, bool]:
    """A user row from nothing."""
    link, resource = await check_gate(db, project_id, resource_id)
    await check_said(db, project_id, static_attributes, said)
    return await write_person(
        db,
        ClassificationType.USER,
        link,
        resource,
        project_id=project_id,
        source_id=None,
        static_attributes=static_attributes,
        observations=[from_person(one) for one in said],
        request=request,
        now=now,
    )
