"""However much a batch holds, Python runs the same lines to write, read and check it: the rest happens in C."""

import random
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from tests.support.make.results import BATCH, SeenPhoto, column, expectation, failed, results, seen
from trapper_schemas.column import Column
from trapper_schemas.ids import uuid7
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.check_results import Expectation, check_results
from trapper_schemas.v1.results import BatchResults, Failed

FEW = 30
"""Lines by which one run may differ from another: the length of a binary takes a turn more, or an array is alike."""


def lines(work: Callable[[], Any]) -> int:
    """How many lines of Python run."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    work()  # what is done only once, the first time, is not counted
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def batch(resources: int, *, frames: int) -> tuple[BatchResults, Expectation]:
    """Every kind of outcome, several detections in most of them, half of those classified, with logits."""
    chance = random.Random(resources)  # noqa: S311 - photos, not secrets
    times = tuple(float(number) for number in range(frames))
    outcomes: list[SeenPhoto | Failed] = [
        seen(width=1000 + number % 7, frame_times=times) for number in range(resources)
    ]
    outcomes[2::5] = [failed() for _ in outcomes[2::5]]
    owners = sorted(chance.choices([n for n in range(resources) if n % 5 != 2], k=3 * resources))
    rows = len(owners)
    chosen = list(range(0, rows, 2))
    ids = tuple(uuid7() for _ in range(resources))
    said = results(
        batch_id=BATCH,
        resource_ids=ids,
        outcomes=tuple(outcomes),
        resource_index=owners,
        frame_index=column("<u4", [chance.randrange(frames) for _ in owners]),
        box=column("<u2", [chance.randrange(30000) for _ in range(4 * rows)], 4),
        label=column("<u2", [chance.randrange(3) for _ in owners]),
        score=column("<u2", [chance.randrange(65536) for _ in owners]),
        classified_rows=chosen,
        top_label=column("<u2", [chance.choice([1, 2, 7, 65535]) for _ in range(2 * len(chosen))], 2),
        top_score=column("<u2", [5] * 2 * len(chosen), 2),
        logits=Column("<f2", (len(chosen), 8), memoryview(b"\x01\x3c" * (8 * len(chosen)))),
    )
    return said, expectation(resource_ids=ids, media_sha256=("c" * 64,) * resources)


@pytest.mark.parametrize("frames", [1, 3])
def test_as_many_lines_run_for_a_thousand_photos_as_for_ten(frames: int) -> None:
    (small, small_lease), (large, large_lease) = batch(10, frames=frames), batch(1000, frames=frames)
    few, many = small.to_blob(), large.to_blob()
    for of_ten, of_a_thousand in (
        (small.to_blob, large.to_blob),
        (lambda: read_results(few), lambda: read_results(many)),
        (lambda: check_results(small, small_lease), lambda: check_results(large, large_lease)),
    ):
        more = lines(of_a_thousand) - lines(of_ten)
        assert abs(more) < FEW


def test_the_lines_are_counted() -> None:
    assert lines(lambda: [str(number) for number in range(100)]) < lines(lambda: list(map(_slowly, range(100))))


def _slowly(number: int) -> str:
    text = str(number)
    return text + text
