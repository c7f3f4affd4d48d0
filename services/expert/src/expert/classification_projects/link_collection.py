"""Let a classification project use a collection, under the consent of the collection's owners."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from expert.access.find_row import find_row
from expert.access.queries import research_role
from expert.access.state import COUNTS_AS_ADMIN, Caller
from expert.audit.note import note
from expert.classification_projects import queries
from expert.classification_projects.models import LinkedCollection
from expert.classification_projects.state import LinkState
from expert.collections.models import Collection
from expert.collections.queries import visible_to
from trapper_kit.db import Session, enqueue_after_commit
from trapper_kit.problems import Conflict, NotFound
from trapper_schemas.ids import uuid7

_KIND = "linked_collection"


async def link_collection(
    db: Session,
    caller: Caller,
    project_id: UUID,
    collection_id: UUID,
    *,
    sequence_interval_seconds: int | None,
    now: datetime,
) -> tuple[LinkedCollection, bool]:
    """The link, and whether it is new.

    It is open at once when the caller is an owner or manager of the collection's research project; otherwise it is a
    request, which gives access to nothing until one of these consents.
    """
    collection = await find_row(db, Collection, visible_to(caller), collection_id, noun="collection")
    if not collection.is_active:
        raise Conflict("the collection is archived; bring it back before you link it")
    may_consent = await research_role(db, caller.id, collection.research_project_id) in COUNTS_AS_ADMIN
    await queries.lock_collection(db, collection_id)
    link = await queries.find_link(db, project_id, collection_id)
    made = link is None
    if link is None:
        values = {
            "id": uuid7(),
            "classification_project_id": project_id,
            "collection_id": collection_id,
            "sequence_interval_seconds": sequence_interval_seconds,
            "created_by": caller.id,
        }
        await queries.insert_link(db, values)
        link = await queries.find_link(db, project_id, collection_id)
        assert link is not None  # noqa: S101 - inserted just now, under the collection's lock
        await queries.fill_link(db, link)
        enqueue_after_commit(db, "sequences.build_new")
        note(db, "linked", actor_id=caller.id, subject_kind=_KIND, subject_id=link.id)
    if may_consent:
        await _consent(db, caller, link, now=now)
    return link, made


async def consent_to_link(
    db: Session, caller: Caller, collection_id: UUID, link_id: UUID, *, now: datetime
) -> LinkedCollection:
    """Open a link that was requested or revoked; the caller administers the collection's research project."""
    link = await _link(db, collection_id, link_id)
    await _consent(db, caller, link, now=now)
    return link


async def revoke_link(
    db: Session, caller: Caller, collection_id: UUID, link_id: UUID, *, now: datetime
) -> LinkedCollection:
    """Close a link at once; rows that people made in the classification project stay there."""
    link = await _link(db, collection_id, link_id)
    if link.revoked_at is None:
        link.revoked_at = now
        note(db, "link-revoked", actor_id=caller.id, subject_kind=_KIND, subject_id=link.id)
        await db.flush()
    return link


async def add_to_links(db: Session, collection_id: UUID, resource_ids: Sequence[UUID]) -> None:
    """Add resources that came into a collection to every link of it; safe to repeat."""
    await queries.add_to_links(db, collection_id, resource_ids)


async def _consent(db: Session, caller: Caller, link: LinkedCollection, *, now: datetime) -> None:
    if link.state is LinkState.OPEN:
        return
    link.consented_by_id, link.consented_at, link.revoked_at = caller.id, now, None
    note(db, "link-consented", actor_id=caller.id, subject_kind=_KIND, subject_id=link.id)
    await db.flush()
    enqueue_after_commit(db, "jobs.cover")


async def _link(db: Session, collection_id: UUID, link_id: UUID) -> LinkedCollection:
    link = await queries.lock_link_of_collection(db, collection_id, link_id)
    if link is None:
        raise NotFound("there is no such link of this collection")
    return link
