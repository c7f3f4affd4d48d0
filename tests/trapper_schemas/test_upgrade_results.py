"""What workers of protocol 1 said is read in today's shape, and refused when it was not true even then."""

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.make.results import (
    BATCH,
    RESOURCES,
    WORKER,
    blob_v1,
    column,
    expectation,
    failed,
    results_v1,
    seen,
)
from trapper_schemas import codec
from trapper_schemas.codec import BlobRefused
from trapper_schemas.column import Column
from trapper_schemas.v1.results import BatchRefused, Failed, FailureCode
from trapper_schemas.v2.check_results import check_results
from trapper_schemas.v2.read_results import read_results
from trapper_schemas.v2.results import Seen, digest_of, values
from trapper_schemas.v2.upgrade_results import upgrade_results

GOLDEN = Path(__file__).parent / "golden" / "v1"


def test_the_golden_blob_of_the_first_version_is_still_read() -> None:
    read = read_results((GOLDEN / "batch_results.bin").read_bytes())
    check_results(read, expectation())
    assert read == upgrade_results(results_v1())
    assert read.protocol == 1
    assert read.outcomes == (
        Seen(1280, 960, False, (0.0,), None, None),
        Seen(1280, 960, False, (0.0,), None, None),
        Failed(code=FailureCode.UNDECODABLE, message="this is not a picture"),
    )


def test_the_hashes_of_before_become_the_one_digest() -> None:
    read = read_results(blob_v1(results_v1()))
    assert read.media_digest == digest_of(["c" * 64, "c" * 64, "d" * 64], (1, 1, 0))
    check_results(read, expectation(media_sha256=("c" * 64, "c" * 64, "d" * 64)))
    with pytest.raises(BatchRefused) as refused:
        check_results(read, expectation(media_sha256=("c" * 64, "d" * 64, "c" * 64)))
    assert refused.value.reason == "media"


def test_a_video_keeps_its_times() -> None:
    video = seen(frame_times=(0.0, 0.5, 2.0), fps=25.0, duration_seconds=3.5)
    said = results_v1(outcomes=(seen(damaged=True), failed(), video), resource_index=column("<u4", [2]))
    read = read_results(blob_v1(said))
    check_results(read, expectation())
    assert read.outcomes == (
        Seen(1280, 960, True, (0.0,), None, None),
        failed(),
        Seen(1280, 960, False, (0.0, 0.5, 2.0), 25.0, 3.5),
    )


@dataclass
class Lie:
    """What is said, and the reason for which it is refused."""

    reason: str
    changes: dict[str, Any]


LIES = [
    Lie("other-batch", {"batch_id": WORKER}),
    Lie("other-batch", {"attempt": 2}),
    Lie("protocol", {"protocol": 9}),
    Lie("resources", {"resource_ids": RESOURCES[::-1]}),
    Lie("resources", {"resource_ids": (*RESOURCES, BATCH), "outcomes": (seen(), seen(), failed(), failed())}),
    Lie("outcomes", {"outcomes": (seen(), seen())}),
    Lie("outcomes", {"resource_ids": (*RESOURCES, BATCH)}),
    Lie("resource", {"resource_index": column("<u4", [3])}),
    Lie("frame", {"resource_index": column("<u4", [2])}),
    Lie("frame", {"frame_index": column("<u4", [1])}),
    Lie("label", {"label": column("<u2", [3])}),
    Lie("box", {"box": column("<u2", [60000, 0, 6000, 10], 4)}),
    Lie("shape", {"box": column("<u2", [0, 0, 1], 3)}),
    Lie("shape", {"score": column("<u2", [1, 2])}),
    Lie("shape", {"score": column("<u4", [1])}),
    Lie("shape", {"resource_index": column("<u2", [0])}),
    Lie("shape", {"classified": column("<u2", [0])}),
    Lie("shape", {"top_score": column("<u2", [1], 1)}),
    Lie("shape", {"top_label": column("<u2", [1, 2, 3, 4], 2)}),
    Lie("classified", {"classified": column("<u4", [1])}),
    Lie("classified", {"classified": column("<u4", [0, 0]), "top_label": column("<u2", [1, 1], 1)}),
    Lie("label", {"top_label": column("<u2", [8, 1], 2)}),
    Lie("shape", {"logits": Column("<f2", (1, 7), memoryview(b"\0" * 14))}),
    Lie("not-finite", {"logits": Column("<f2", (1, 8), memoryview(b"\x00\x7c" * 8))}),
    Lie("times", {"outcomes": (seen(frame_times=(0.0, 1.0, 0.5)), seen(), failed())}),
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{lie.reason}-{next(iter(lie.changes))}")
def test_what_was_not_true_then_is_not_true_now(lie: Lie) -> None:
    if lie.reason == "classified" and "top_label" in lie.changes:
        lie = replace(lie, changes=lie.changes | {"top_score": column("<u2", [1, 1], 1)})
    with pytest.raises(BatchRefused) as refused:
        check_results(read_results(blob_v1(results_v1(**lie.changes))), expectation())
    assert refused.value.reason == lie.reason


@pytest.mark.parametrize(
    "change",
    [
        {"batch_id": "no id"},
        {"box": {"dtype": "<u2", "shape": [9, 4], "data": b""}},
        {"outcomes": [{"outcome": "perhaps"}]},
        {"outcomes": [{"outcome": "failed", "code": "tired", "message": ""}]},
    ],
)
def test_a_blob_of_another_form_is_refused(change: dict[str, Any]) -> None:
    document = codec.decode(blob_v1(results_v1()))
    with pytest.raises(BlobRefused) as refused:
        read_results(codec.encode({**document, **change}))
    assert refused.value.reason == "form"


@given(st.lists(st.integers(0, 2), max_size=30), st.randoms())
def test_detections_in_any_order_come_out_by_resource(owners: list[int], chance: random.Random) -> None:
    """The reference worker sent them in order; another one need not have."""
    rows = len(owners)
    chosen = chance.sample(range(rows), chance.randint(0, rows))
    said = results_v1(
        outcomes=(seen(), seen(), seen()),
        resource_index=column("<u4", owners),
        frame_index=column("<u4", [0] * rows),
        box=column("<u2", [0, 0, 1, 1] * rows, 4),
        label=column("<u2", [owner % 3 for owner in owners]),
        score=column("<u2", list(range(rows))),
        classified=column("<u4", chosen),
        top_label=column("<u2", [row % 8 for row in chosen], 1),
        top_score=column("<u2", chosen, 1),
    )
    read = upgrade_results(said)
    check_results(read, expectation())
    order = sorted(range(rows), key=lambda row: owners[row])
    assert values(read.detections).tolist() == [owners.count(owner) for owner in range(3)]
    assert values(read.score).tolist() == order
    assert values(read.label).tolist() == [owners[row] for row in order]
    assert values(read.classified).tolist() == [row in chosen for row in order]
    assert values(read.top_score).tolist() == [row for row in order if row in chosen]
