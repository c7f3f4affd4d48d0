"""Finds out why the AI of projects cannot run, from what is known now; nothing is stored that could become stale."""

from collections.abc import Sequence
from uuid import UUID

from expert.classification_projects.models import ClassificationProject
from expert.classification_projects.state import ChosenProvider, blocked_reason
from expert.providers import queries as providers
from trapper_kit.db import Session
from trapper_schemas.blocked import Blocked


async def find_blocked(db: Session, projects: Sequence[ClassificationProject]) -> dict[UUID, Blocked]:
    """The reason of each blocked project, by the project's id."""
    chosen = {project.id: _provider_ids(project) for project in projects}
    known = await providers.with_connections(db, {provider_id for ids in chosen.values() for provider_id in ids})
    facts = {
        provider.id: ChosenProvider(
            name=provider.name,
            availability=provider.availability,
            is_active=provider.is_active,
            is_unpinned=provider.is_unpinned,
            connection_id=connection.id,
            connection_name=connection.name,
            connection_is_active=connection.is_active,
            sync_problem=connection.sync_problem,
            blocked_there=None if provider.blocked is None else Blocked.model_validate(provider.blocked),
        )
        for provider, connection in known
    }
    reasons = {
        project.id: blocked_reason(
            required=project.required_ai_classification,
            has_detector=project.object_detection_ai_model_id is not None,
            providers=[facts[provider_id] for provider_id in chosen[project.id]],
        )
        for project in projects
    }
    return {project_id: reason for project_id, reason in reasons.items() if reason is not None}


def _provider_ids(project: ClassificationProject) -> list[UUID]:
    ids = (project.object_detection_ai_model_id, project.species_ai_model_id, project.embedding_ai_model_id)
    return [provider_id for provider_id in ids if provider_id is not None]
