"""What people are asked when a project says nothing else: the predefined attributes of an observation."""

from typing import Any
from uuid import UUID

from expert.classificators import queries
from expert.classificators.models import Classificator
from trapper_kit.db import Session
from trapper_schemas.ids import uuid7

DEFAULT_NAME = "Predefined attributes"
OBSERVATION_TYPES = ("animal", "human", "vehicle", "blank", "unknown", "unclassified")
PREDEFINED: tuple[dict[str, Any], ...] = (
    {"name": "observation_type", "type": "choice", "required": True, "choices": list(OBSERVATION_TYPES)},
    {"name": "taxon", "type": "text", "required": False},
    {"name": "sex", "type": "choice", "required": False, "choices": ["female", "male"]},
    {"name": "life_stage", "type": "choice", "required": False, "choices": ["adult", "subadult", "juvenile"]},
    {"name": "behaviour", "type": "text", "required": False},
    {"name": "count", "type": "integer", "required": False},
    {"name": "individual_id", "type": "text", "required": False},
)


async def default_classificator(db: Session, research_project_id: UUID, *, by: UUID) -> Classificator:
    """The research project's default one, made when it is asked for first; two askers at once get the same."""
    await queries.insert_once(
        db,
        {
            "id": uuid7(),
            "research_project_id": research_project_id,
            "name": DEFAULT_NAME,
            "static_attributes": [],
            "dynamic_attributes": list(PREDEFINED),
            "created_by": by,
        },
    )
    return await queries.by_name(db, research_project_id, DEFAULT_NAME)
