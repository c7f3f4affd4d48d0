"""The chain of what models and people said that led to the determination of an occurrence."""

from collections.abc import Mapping
from uuid import UUID

from expert.access.state import Caller
from expert.observations.build_reply import build_steps
from expert.observations.queries import predictions_of
from expert.observations.queries_provenance import lineage_of
from expert.observations.state import ProvenanceStep
from expert.occurrences import queries_identify
from expert.occurrences.models import Identification
from expert.occurrences.queries_determine import source_of
from trapper_kit.db import Session


async def trace_determination(
    db: Session, caller: Caller, occurrence_id: UUID, identifications: Mapping[UUID, Identification]
) -> list[ProvenanceStep]:
    """Steps from the first prediction to the determining one, or to the approved observation.

    `identifications` are all of the occurrence by id. Of a determining one the chain is that of the prediction that
    its person agreed with, also by way of other people; empty when the person agreed with none.
    """
    step_id = await source_of(db, occurrence_id)
    while step_id is not None and step_id in identifications:
        identification = identifications[step_id]
        step_id = identification.agreed_with_id or identification.prediction_id
    if step_id is None:
        return []
    rows = await lineage_of(db, caller, await queries_identify.observation_of(db, step_id) or step_id)
    predictions = await predictions_of(db, [row.observation.id for row in rows])
    steps = {step.id: step for step in build_steps(rows, predictions)}
    chain: list[ProvenanceStep] = []
    while step_id is not None and step_id in steps:
        chain.append(steps[step_id])
        step_id = steps[step_id].derived_from_id
    return chain[::-1]
