"""The gate before people's work: where the project wants it, nobody says anything before the AI has ended."""

from uuid import UUID

from expert.classification_projects.models import LinkedCollectionResource
from expert.classifications import queries
from expert.classifications.errors import AiRequired, ResourceNotInProject
from expert.resources.models import Resource
from trapper_kit.db import Session


async def check_gate(db: Session, project_id: UUID, resource_id: UUID) -> tuple[LinkedCollectionResource, Resource]:
    """The resource in its linked collection; raises AiRequired with the stage of its job, or ResourceNotInProject."""
    found = await queries.linked_of(db, project_id, resource_id)
    if found is None:
        raise ResourceNotInProject
    link, resource, required = found
    if required and link.ai_ended_at is None:
        stage = await queries.job_stage_of(db, link.linked_collection_id, resource_id)
        told = "no job has taken the resource yet" if stage is None else f"its job is {stage}"
        raise AiRequired(told, stage=stage)
    return link, resource
