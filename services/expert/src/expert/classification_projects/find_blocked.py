"""Finds out why the AI of projects cannot run, from what is known now; nothing is stored that could become stale."""

from collections.abc import Sequence
from uuid import UUID

from expert.classification_projects import queries
from expert.classification_projects.models import ClassificationProject, LinkedCollection
from expert.classification_projects.state import (
    ChosenProvider,
    ClassificationProjectStatus,
    blocked_link,
    blocked_reason,
    stopped_link,
)
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


async def find_blocked_links(db: Session, links: Sequence[LinkedCollection]) -> dict[UUID, Blocked]:
    """The reason of each blocked link, by the link's id."""
    project_ids = {link.classification_project_id for link in links}
    projects = {project.id: project for project in await queries.projects(db, project_ids)}
    of_projects = await find_blocked(db, list(projects.values()))
    waiting = await queries.with_waiting_photos(db, [link.id for link in links])
    reasons: dict[UUID, Blocked] = {}
    for link in links:
        project = projects[link.classification_project_id]
        reason = blocked_link(link.state)
        if reason is None and link.id in waiting:
            reason = stopped_link(
                is_active=link.is_active,
                collection_is_active=waiting[link.id],
                project_is_ongoing=project.status is ClassificationProjectStatus.ONGOING,
            )
        if (reason := reason or of_projects.get(project.id)) is not None:
            reasons[link.id] = reason
    return reasons


def _provider_ids(project: ClassificationProject) -> list[UUID]:
    ids = (project.object_detection_ai_model_id, project.species_ai_model_id, project.embedding_ai_model_id)
    return [provider_id for provider_id in ids if provider_id is not None]
