"""Edit a person's row that nobody ever approved; what it was before is kept as a version with its author."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from expert.audit.note import note
from expert.classifications import queries, queries_history
from expert.classifications.check_attributes import check_attributes
from expert.classifications.check_gate import check_gate
from expert.classifications.check_row_version import check_row_version
from expert.classifications.errors import ClassificationLocked, ClassificationNotFound, NotEditable
from expert.classifications.models import Classification
from expert.classifications.state import is_editable
from expert.classifications.write_person import new_observation, parent_of
from expert.observations import queries as observations
from expert.observations.models import Observation
from expert.observations.state import ClassificationType, ObservationInput, ObservationLevel
from expert.observations.write_many import NewObservation, write_many
from trapper_kit.db import Session
from trapper_kit.problems import Invalid


async def edit_classification(
    db: Session,
    row: Classification,
    *,
    static_attributes: dict[str, Any] | None,
    inputs: Sequence[ObservationInput] | None,
    expected_version: int,
    by: UUID,
    now: datetime,
) -> None:
    """Changes what is given; an observation that keeps its id keeps its confidences and where it was copied from."""
    locked = await queries.get(db, row.id, lock=True)
    if locked is None:
        raise ClassificationNotFound
    if locked.type is not ClassificationType.USER:
        raise NotEditable
    if not is_editable(locked.type, locked=locked.locked_at is not None):
        raise ClassificationLocked
    await check_row_version(db, locked, await queries.final_of(db, locked), expected=expected_version)
    _, resource = await check_gate(db, locked.classification_project_id, locked.resource_id)
    attributes = locked.static_attributes if static_attributes is None else static_attributes
    await check_attributes(db, locked.classification_project_id, resource, attributes, inputs)
    before = (await observations.of_classifications(db, [locked.id])).get(locked.id, [])
    await queries_history.keep_version(db, locked, before)
    if inputs is not None:
        former = {observation.id: observation for observation, _ in before}
        written = [_written_again(observation, former) for observation in inputs]
        kept = [observation.id for observation in written if observation.id is not None]
        if len(set(kept)) < len(kept):
            raise Invalid.field("dynamic_attrs", "an observation id is given twice")
        await observations.replace_with(db, former=list(former), kept=kept)
        await write_many(db, [(parent_of(locked, resource), written)], now=now)
    await queries.write_edit(db, locked.id, attributes, by=by, now=now)
    note(
        db,
        "edited",
        actor_id=by,
        subject_kind="classification",
        subject_id=locked.id,
        owner_id=str(locked.owner_id),
        version=locked.version + 1,
    )


def _written_again(observation: ObservationInput, former: Mapping[UUID, Observation]) -> NewObservation:
    """The observation under its former id, when it has one; a changed type or taxon loses what a model was sure of."""
    new = new_observation(observation)
    if observation.id is None:
        return new
    before = former.get(observation.id)
    if before is None:
        raise Invalid.field("dynamic_attrs", f"the row has no observation {observation.id}")
    same = before.observation_type == new.observation_type and before.taxon_id == new.taxon_id
    return replace(
        new,
        id=before.id,
        label=before.label if same else None,
        detection_confidence=before.detection_confidence,
        classification_confidence=before.classification_confidence if same else None,
        copied_from_id=before.copied_from_id,
        occurrence_id=before.occurrence_id if new.observation_level is ObservationLevel.OBJECT else None,
    )
