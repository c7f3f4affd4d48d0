"""Change a classification project; the first detection provider makes what is there already due."""

from typing import Any

from expert.access.make_once import keep
from expert.classification_projects.check_providers import TYPES, check_providers
from expert.classification_projects.create import columns, refusals
from expert.classification_projects.models import ClassificationProject
from trapper_kit.db import Session, enqueue_after_commit


async def change_project(db: Session, row: ClassificationProject, fields: dict[str, Any]) -> None:
    """Raises ProviderUnfit, ClassificationProjectNameTaken."""
    # A provider that went away after it was chosen must not stop other changes.
    chosen = {name: fields[name] for name in TYPES if name in fields and fields[name] != getattr(row, f"{name}_id")}
    await check_providers(db, chosen)
    for name, value in columns(fields).items():
        setattr(row, name, value)
    await keep(db, row, taken=refusals(row))
    enqueue_after_commit(db, "jobs.cover")
