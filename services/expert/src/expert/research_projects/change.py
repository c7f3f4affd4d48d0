"""Change what a research project says about itself."""

from typing import Any

from expert.access.make_once import keep
from expert.research_projects.models import ResearchProject
from expert.research_projects.request import refusals
from trapper_kit.db import Session


async def change_project(db: Session, row: ResearchProject, fields: dict[str, Any]) -> None:
    """Raises ProjectNameTaken."""
    for name, value in fields.items():
        setattr(row, name, value)
    await keep(db, row, taken=refusals(row))
