"""Let a classification project look at a collection: every resource in it, and whatever is uploaded later."""

from collections.abc import Sequence
from uuid import UUID

from expert.access.state import Caller
from expert.audit.note import note
from expert.classification_projects import queries
from expert.classification_projects.models import LinkedCollection
from expert.collections import queries as collections
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.problems import NotFound
from trapper_schemas.ids import uuid7


async def link_collection(
    db: Session, caller: Caller, project_id: UUID, collection_id: UUID, *, sequence_interval_seconds: int | None
) -> tuple[LinkedCollection, bool]:
    """The link, and whether it is new; the collection may be of another research project that the caller may read."""
    if await collections.read_visible(db, caller, collection_id) is None:
        raise NotFound("there is no such collection, or none that you may see")
    await queries.lock_collection(db, collection_id)
    before = await queries.find_link(db, project_id, collection_id)
    if before is not None:
        return before, False
    values = {
        "id": uuid7(),
        "classification_project_id": project_id,
        "collection_id": collection_id,
        "sequence_interval_seconds": sequence_interval_seconds,
        "created_by": caller.id,
    }
    await queries.insert_link(db, values)
    link = await queries.find_link(db, project_id, collection_id)
    if link is None:
        raise AssertionError("a link that was just made is not there")
    await queries.fill_link(db, link)
    note(db, "linked", actor_id=caller.id, subject_kind="linked_collection", subject_id=link.id)
    enqueue_after_commit(db, "jobs.cover")
    return link, True


async def add_to_links(db: Session, collection_id: UUID, resource_ids: Sequence[UUID]) -> None:
    """Resources that came into a collection are in whatever looks at it; safe to repeat."""
    await queries.add_to_links(db, collection_id, resource_ids)
