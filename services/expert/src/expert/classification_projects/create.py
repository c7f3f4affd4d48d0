"""Make a classification project, with the predefined attributes when it says nothing else."""

import re
import unicodedata
from typing import Any
from uuid import UUID

from expert.access.make_once import IdempotentRequest, make_once
from expert.access.require import require
from expert.access.state import Caller, Capability
from expert.classification_projects.check_providers import REFERENCES, TYPES, check_providers
from expert.classification_projects.check_taxa_list import check_taxa_list
from expert.classification_projects.errors import ClassificationProjectNameTaken
from expert.classification_projects.models import ClassificationProject
from expert.classificators.make_default import default_classificator
from expert.research_projects.request import require_active
from trapper_kit.db import Session
from trapper_kit.problems import Problem
from trapper_schemas.ids import uuid7

_LONGEST_SLUG = 60


async def create_project(
    db: Session, caller: Caller, request: IdempotentRequest, *, research_project_id: UUID, fields: dict[str, Any]
) -> tuple[ClassificationProject, bool]:
    """The project, and whether it is new; raises ProjectNotActive, ProviderUnfit, ClassificationProjectNameTaken."""
    await require(db, caller, Capability.CREATE_PROJECTS, research_project=research_project_id)
    await require_active(db, research_project_id)
    await check_providers(db, {name: fields[name] for name in TYPES})
    await check_taxa_list(db, None, fields["taxa_list"])
    classificator = await default_classificator(db, research_project_id, by=caller.id)
    made = uuid7()
    row = ClassificationProject(
        id=made,
        research_project_id=research_project_id,
        slug=slug_of(fields["name"], made),
        classificator_id=classificator.id,
        **columns(fields),
    )
    return await make_once(db, row, request, taken=refusals(row))


def refusals(row: ClassificationProject) -> dict[str, Problem]:
    """The refusal for each constraint of the table that a request may break."""
    taken = ClassificationProjectNameTaken(f"there is already a classification project {row.name!r} here")
    return {"classification_projects_research_project_id_name_key": taken}


def columns(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields of a body as columns: providers and the taxa list are stored by id."""
    return {f"{name}_id" if name in REFERENCES else name: value for name, value in fields.items()}


def slug_of(name: str, project_id: UUID) -> str:
    """Readable, and unique by the last digits of the id."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-")
    return f"{words or 'project'}-{project_id.hex[-8:]}"
