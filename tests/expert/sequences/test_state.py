"""Chaining depends on gaps and markers alone; ids stay where they can."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from expert.sequences.state import Position, assign_ids, chain
from trapper_schemas.ids import uuid7

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def at(*minutes: float) -> list[Position]:
    return [(BEGIN + minute * MINUTE, UUID(int=index)) for index, minute in enumerate(minutes)]


def test_gap_of_the_interval_continues_and_a_longer_one_begins_a_sequence() -> None:
    assert chain(at(0, 5, 10.01), 5 * MINUTE) == [0, 2]
    assert chain(at(0, 5, 10), 5 * MINUTE) == [0]
    assert chain([], MINUTE) == []


def test_length_of_a_sequence_has_no_limit() -> None:
    assert chain(at(*range(10_000)), MINUTE) == [0]


def test_split_begins_a_sequence_and_a_join_bridges_every_gap_between_its_ends() -> None:
    positions = at(0, 1, 20, 40)
    assert chain(positions, MINUTE, breaks={UUID(int=1)}) == [0, 1, 2, 3]
    assert chain(positions, MINUTE, joins=[(positions[0], positions[2])]) == [0, 3]
    assert chain(positions, MINUTE, joins=[(positions[3], positions[0])]) == [0]
    assert chain(positions, MINUTE, breaks={UUID(int=2)}, joins=[(positions[0], positions[3])]) == [0, 2]


def test_merged_sequences_keep_the_earliest_id_and_the_earliest_part_of_a_split_one_keeps_its_id() -> None:
    first, second = uuid7(), uuid7()
    assert assign_ids([0], [first, None, second]) == [first] * 3
    split = assign_ids([0, 2], [first, first, first])
    assert split[:2] == [first, first]
    assert split[2] not in {first, second}


def test_rest_of_a_sequence_whose_beginning_was_merged_away_keeps_its_id() -> None:
    first, second = uuid7(), uuid7()
    assert assign_ids([0, 2], [first, second, second]) == [first, first, second]
