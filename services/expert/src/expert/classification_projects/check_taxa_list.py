"""A project may choose a taxa list of its own, or one that is for everybody."""

from uuid import UUID

from expert.classification_projects import queries
from trapper_kit.db import Session
from trapper_kit.problems import Invalid


async def check_taxa_list(db: Session, project_id: UUID | None, taxa_list_id: UUID | None) -> None:
    """Raises Invalid for a list that does not exist or is of another project."""
    if taxa_list_id is not None and not await queries.may_choose_list(db, project_id, taxa_list_id):
        raise Invalid.field("taxa_list", "the project has no such taxa list, and there is none for everybody")
