"""Stores a person's split or merge as a marker, which every later chaining respects, and chains anew around it."""

from collections.abc import Sequence
from uuid import UUID

from expert.access.state import Caller
from expert.sequences import queries, queries_chain
from expert.sequences.apply import apply_changes
from expert.sequences.errors import SequencesApart
from expert.sequences.models import ResourceSequence
from expert.sequences.queries_chain import Link
from trapper_kit.db import Session
from trapper_kit.problems import Invalid, NotFound


async def split_sequence(db: Session, caller: Caller, row: ResourceSequence, resource_id: UUID) -> list[UUID]:
    """The ids of both parts, the earlier one first; raises Invalid when the resource begins no later part."""
    link = await _lock(db, row)
    member = await queries.member(db, link.id, resource_id)
    if member is None or member.sequence_id != row.id:
        raise Invalid.field("resource_id", "is no resource of this sequence")
    if (await queries.first_member(db, row.id)).resource_id == resource_id:
        raise Invalid.field(
            "resource_id", "is the first of this sequence already; name the first one of the later part"
        )
    await queries.insert_marker(db, link.id, resource_id, None, by=caller.id)
    await _chain(db, link, [resource_id])
    later = await queries.member(db, link.id, resource_id)
    assert later is not None  # noqa: S101 - it was a member, and the link is locked
    return [row.id, later.sequence_id]


async def merge_sequences(db: Session, caller: Caller, sequence_ids: Sequence[UUID]) -> UUID:
    """The id that the merged sequence has, the earliest one's; what lies between them becomes part of it.

    Raises NotFound without a known one, Invalid with unknown ids, and SequencesApart for sequences of several series.
    """
    known = await queries.by_ids(db, caller, sequence_ids)
    if not known:
        raise NotFound("there are no such sequences, or none that you may see")
    unknown = [str(sequence_id) for sequence_id in sequence_ids if sequence_id not in known]
    if unknown:
        raise Invalid("there are no such sequences, or none that you may see; nothing was done", sequence_ids=unknown)
    link = await _lock(db, next(iter(known.values())))
    rows = sorted((await queries.by_ids(db, caller, sequence_ids)).values(), key=lambda row: (row.first_at, row.id))
    if len({(row.linked_collection_id, row.deployment_id, row.is_time_lapse) for row in rows}) != 1:
        raise SequencesApart("they are of several linked collections, deployments or capture methods")
    if len(rows) != len(set(sequence_ids)):
        raise SequencesApart("one of them has changed a moment ago; read them again")
    if len(rows) == 1:
        raise Invalid.field("sequence_ids", "name two different sequences at least")
    members = [await queries.first_member(db, row.id) for row in (rows[0], rows[-1])]
    first, last = sorted(members, key=lambda member: (member.captured_at, member.resource_id))
    await queries.delete_splits(db, first, last)
    await queries.insert_marker(db, link.id, first.resource_id, last.resource_id, by=caller.id)
    await _chain(db, link, [first.resource_id, last.resource_id])
    merged = await queries.member(db, link.id, first.resource_id)
    assert merged is not None  # noqa: S101 - it was a member, and the link is locked
    return merged.sequence_id


async def _lock(db: Session, row: ResourceSequence) -> Link:
    link = await queries_chain.lock_link(db, row.linked_collection_id)
    if link is None:
        raise NotFound("there is no such sequence, or none that you may see")
    return link


async def _chain(db: Session, link: Link, resource_ids: Sequence[UUID]) -> None:
    await apply_changes(db, link, await queries_chain.rows_of(db, link.id, resource_ids))
