"""Change a classification project; the first detection provider makes what is there already due."""

from typing import Any

from expert.access.make_once import keep
from expert.classification_projects.check_providers import TYPES, check_providers
from expert.classification_projects.check_taxa_list import check_taxa_list
from expert.classification_projects.create import columns, refusals
from expert.classification_projects.models import ClassificationProject
from trapper_kit.db import Session, enqueue_after_commit

AI_SETTINGS = frozenset(
    {*(f"{name}_id" for name in TYPES), "detection_threshold", "classification_threshold", "nms_iou", "match_iou"}
)
"""Columns that change what a re-run of the AI says."""


async def change_project(db: Session, row: ClassificationProject, fields: dict[str, Any], *, dry_run: bool) -> bool:
    """Returns whether an AI setting changes; a dry run checks the change and writes nothing.

    Raises ProviderUnfit, ClassificationProjectNameTaken.
    """
    # A provider that went away after it was chosen must not stop other changes.
    chosen = {name: fields[name] for name in TYPES if name in fields and fields[name] != getattr(row, f"{name}_id")}
    await check_providers(db, chosen)
    await check_taxa_list(db, row.id, fields.get("taxa_list"))
    changed = {name: value for name, value in columns(fields).items() if getattr(row, name) != value}
    written = await db.begin_nested()
    for name, value in changed.items():
        setattr(row, name, value)
    await keep(db, row, taken=refusals(row))
    if dry_run:
        await written.rollback()
        await db.refresh(row)
    else:
        await written.commit()
        enqueue_after_commit(db, "jobs.cover")
    return not AI_SETTINGS.isdisjoint(changed)
