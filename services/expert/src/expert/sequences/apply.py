"""Applies changes of resources to the sequences around them; what is further away is neither read nor written."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from uuid import UUID

from expert.sequences import queries_chain as queries
from expert.sequences.queries_chain import Link, Made, Row
from expert.sequences.state import Position, Series, assign_ids, chain
from trapper_kit.db import Session

Span = tuple[Position, Position]


@dataclass
class _Chaining:
    """The resources and marks of one chaining, what it writes, and by how many members each sequence grows."""

    given: Mapping[UUID, Row]
    breaks: frozenset[UUID]
    joins: Mapping[Series, Sequence[Span]]
    made: dict[UUID, Made] = field(default_factory=dict[UUID, Made])
    members: dict[Series, list[tuple[Position, UUID]]] = field(
        default_factory=dict[Series, list[tuple[Position, UUID]]]
    )
    rests: list[tuple[UUID, Position, UUID]] = field(default_factory=list[tuple[UUID, Position, UUID]])
    deltas: Counter[UUID] = field(default_factory=Counter[UUID])
    successors: dict[UUID, UUID] = field(default_factory=dict[UUID, UUID])
    """Where the first resource went that left each sequence."""


async def apply_changes(db: Session, link: Link, rows: Collection[Row]) -> None:
    """Brings the sequences in line with these resources as they are now, and with what is marked at them.

    The caller has locked the link. A sequence of a series depends on the gaps between neighbours alone, so everything
    between the outermost positions of a series is chained anew, with one unchanged neighbour at each side.
    """
    spans, chaining = await _prepare(db, link, {row.resource_id: row for row in rows})
    for row in rows:
        if row.sequence_id is not None:
            chaining.deltas[row.sequence_id] -= 1
    for series, positions in spans.items():
        await _chain_series(db, link, chaining, series, (min(positions), max(positions)))
    counted = {sequence_id: chaining.deltas.pop(sequence_id) for sequence_id in chaining.made}
    await queries.insert_sequences(db, link, chaining.made, counted)
    gone = [row.resource_id for row in rows if row.series is None and row.former_series is not None]
    await queries.remove_members(db, link.id, gone)
    for former, after, to in chaining.rests:
        moved = await queries.move_rest(db, former, after, to)
        chaining.deltas[former] -= moved
        chaining.deltas[to] += moved
    for series, members in chaining.members.items():
        await queries.write_members(db, link.id, series, members)
    await queries.move_statements(db, chaining.successors)
    await queries.count_members(db, chaining.deltas)


async def _prepare(
    db: Session, link: Link, given: Mapping[UUID, Row]
) -> tuple[dict[Series, list[Position]], _Chaining]:
    """The positions of each series that changed, with those of joins that changed with them."""
    markers = await queries.markers(db, link.id)
    ends = {resource_id for first, second in markers if second is not None for resource_id in (first, second)}
    others = await queries.rows_of(db, link.id, ends - given.keys()) if ends - given.keys() else []
    known = {**given, **{row.resource_id: row for row in others}}
    spans: defaultdict[Series, list[Position]] = defaultdict(list)
    for row in given.values():
        _add(spans, row.series, row.position)
        _add(spans, row.former_series, row.former_position)
    joins: defaultdict[Series, list[Span]] = defaultdict(list)
    for first_id, second_id in markers:
        if second_id is None:
            continue
        first, second = known[first_id], known[second_id]
        if first_id in given or second_id in given:
            for row in (first, second):
                _add(spans, row.former_series, row.former_position)
                _add(spans, row.series, row.position)
        present = [
            (row.series, row.position) if row.resource_id in given else (row.former_series, row.former_position)
            for row in (first, second)
        ]
        (series, position), (other_series, other) = present
        if series is not None and series == other_series and position is not None and other is not None:
            joins[series].append((min(position, other), max(position, other)))
    return spans, _Chaining(given, frozenset(first for first, second in markers if second is None), joins)


def _add(spans: defaultdict[Series, list[Position]], series: Series | None, position: Position | None) -> None:
    if series is not None and position is not None:
        spans[series].append(position)


async def _chain_series(db: Session, link: Link, chaining: _Chaining, series: Series, span: Span) -> None:
    given = chaining.given
    present = await queries.window(db, link.id, series, *span)
    kept = [(position, sequence_id) for position, sequence_id in present if position[1] not in given]
    placed = [
        (row.position, row.sequence_id if row.former_series == series else None)
        for row in given.values()
        if row.series == series and row.position is not None
    ]
    items = sorted([*kept, *placed], key=lambda item: item[0])
    positions = [position for position, _ in items]
    former = [sequence_id for _, sequence_id in items]
    starts = chain(positions, link.interval, chaining.breaks, chaining.joins.get(series, ()))
    assigned = assign_ids(starts, former)
    known = {sequence_id for sequence_id in former if sequence_id is not None}
    members = chaining.members[series] = []
    for begin, end in pairwise([*starts, len(items)]):
        sequence_id, grown = assigned[begin], 0
        if sequence_id not in known:
            chaining.made[sequence_id] = Made(series, positions[begin][0], positions[end - 1][0])
        for position, former_id in items[begin:end]:
            row = given.get(position[1])
            left = former_id if row is None else row.sequence_id
            is_other = former_id is None or former_id != sequence_id
            if left is not None and left != sequence_id:
                chaining.successors.setdefault(left, sequence_id)
            if row is not None:
                grown += 1
                if is_other or row.series != row.former_series or row.position != row.former_position:
                    members.append((position, sequence_id))
            elif former_id is not None and is_other:
                grown += 1
                chaining.deltas[former_id] -= 1
                members.append((position, sequence_id))
        if grown:
            chaining.deltas[sequence_id] += grown
    if items and former[-1] is not None and former[-1] != assigned[-1] and positions[-1] > span[1]:
        chaining.rests.append((former[-1], positions[-1], assigned[-1]))
