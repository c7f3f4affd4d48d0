"""The gate before people's work: where the project requires the AI, people wait until it has ended."""

from uuid import UUID

from expert.classification_projects.models import LinkedCollectionResource
from expert.classifications import queries
from expert.classifications.errors import AiRequired, ResourceNotInProject
from expert.resources.models import Resource
from expert.resources.state import ResourceKind, ResourceState
from trapper_kit.db import Session


async def check_gate(db: Session, project_id: UUID, resource_id: UUID) -> tuple[LinkedCollectionResource, Resource]:
    """The resource in its linked collection; raises AiRequired with the stage of its job, or ResourceNotInProject."""
    row = await queries.linked_of(db, project_id, resource_id)
    if row is None:
        raise ResourceNotInProject
    link, resource, required = row
    if required and link.ai_ended_at is None and not _ai_can_never_run(resource):
        stage = await queries.job_stage_of(db, link.linked_collection_id, resource_id)
        reason = "no job has taken the resource yet" if stage is None else f"its job is {stage}"
        raise AiRequired(reason, stage=stage)
    return link, resource


def _ai_can_never_run(resource: Resource) -> bool:
    """Whether no stage reads this file: unreadable, lying elsewhere, or described as something else than a photo."""
    never_read = resource.state is ResourceState.UNREADABLE or resource.remote_url is not None
    return never_read or (resource.state is ResourceState.DESCRIBED and resource.kind is not ResourceKind.IMAGE)
