"""Replace what a person's row says, as long as nobody ever approved it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from expert.audit.note import note
from expert.classifications import queries
from expert.classifications.check_attributes import check_said
from expert.classifications.check_gate import check_gate
from expert.classifications.check_row_version import check_row_version
from expert.classifications.errors import ClassificationLocked, ClassificationNotFound, NotEditable
from expert.classifications.models import Classification
from expert.classifications.state import is_editable
from expert.classifications.write_person import from_person, parent_of
from expert.observations import queries as observations
from expert.observations.models import Observation
from expert.observations.state import ClassificationType, Told
from expert.observations.write_many import NewObservation, write_many
from trapper_kit.db import Session
from trapper_kit.problems import Invalid


async def edit_classification(
    db: Session,
    row: Classification,
    *,
    static_attributes: dict[str, Any] | None,
    said: Sequence[Told] | None,
    expected_version: int,
    by: UUID,
    now: datetime,
) -> None:
    """What is not given stays; an observation that keeps its id keeps where it was copied from."""
    held = await queries.get(db, row.id, lock=True)
    if held is None:
        raise ClassificationNotFound
    if held.type is not ClassificationType.USER:
        raise NotEditable
    if not is_editable(held.type, locked=held.locked_at is not None):
        raise ClassificationLocked
    await check_row_version(db, held, await queries.final_of(db, held), expected=expected_version)
    _, resource = await check_gate(db, held.classification_project_id, held.resource_id)
    attributes = held.static_attributes if static_attributes is None else static_attributes
    await check_said(db, held.classification_project_id, attributes, said)
    if said is not None:
        former = {one.id: one for one, _ in (await observations.of_classifications(db, [held.id])).get(held.id, [])}
        fresh = [_kept(one, former) for one in said]
        kept = [one.id for one in fresh if one.id is not None]
        if len(set(kept)) < len(kept):
            raise Invalid.field("dynamic_attrs", "the same observation is there twice")
        await observations.replace_with(db, former=list(former), kept=kept)
        await write_many(db, [(parent_of(held, resource), fresh)], now=now)
    await queries.write_edit(db, held.id, attributes, by=by, now=now)
    note(
        db,
        "edited",
        actor_id=by,
        subject_kind="classification",
        subject_id=held.id,
        owner_id=str(held.owner_id),
        version=held.version + 1,
    )


def _kept(one: Told, former: Mapping[UUID, Observation]) -> NewObservation:
    made = from_person(one)
    if one.id is None:
        return made
    was = former.get(one.id)
    if was is None:
        raise Invalid.field("dynamic_attrs", f"the row has no observation {one.id}")
    same = was.observation_type == made.observation_type and was.taxon_id == made.taxon_id
    return replace(
        made,
        id=was.id,
        label=was.label if same else None,
        detection_confidence=was.detection_confidence,
        classification_confidence=was.classification_confidence if same else None,
        copied_from_id=was.copied_from_id,
    )
