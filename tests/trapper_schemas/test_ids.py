"""Ids sort by age."""

import time

from trapper_schemas.ids import uuid7


def test_ids_are_of_version_seven_unique_and_sorted_by_age() -> None:
    older = [uuid7() for _ in range(1000)]
    time.sleep(0.002)
    newer = uuid7()
    assert len(set(older)) == 1000
    assert all(one.version == 7 and one < newer for one in older)
