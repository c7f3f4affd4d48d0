"""Results are checked against the lease they answer, in every way in which they could be untrue."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.make.results import (
    BATCH,
    CLASSIFIER,
    RESOURCES,
    WORKER,
    column,
    expectation,
    failed,
    results,
    seen,
    stage_run,
)
from trapper_schemas import codec
from trapper_schemas.codec import BlobRefused
from trapper_schemas.column import Column
from trapper_schemas.v1.check_results import check_results, read_results
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelKind, ModelRef
from trapper_schemas.v1.results import SCHEMA, BatchRefused, Failed, FailureCode

GOLDEN = Path(__file__).parent / "golden" / "v1"


def test_results_come_back_as_they_went() -> None:
    sent = results(logits=Column("<f2", (1, 8), memoryview(b"\x00\x3c" * 8)))
    assert read_results(sent.to_blob()) == sent
    check_results(sent, expectation())


def test_the_golden_blob_of_the_first_version_is_still_read() -> None:
    read = read_results((GOLDEN / "batch_results.bin").read_bytes())
    check_results(read, expectation())
    assert read == results()
    assert read.outcomes[2] == Failed(code=FailureCode.UNDECODABLE, message="this is not a picture")


def test_an_empty_batch_of_failures_is_a_result() -> None:
    none = column("<u4", [])
    nothing = results(
        outcomes=(failed(), failed(), failed()),
        stages=(),
        resource_index=none,
        frame_index=none,
        box=column("<u2", [], 4),
        label=column("<u2", []),
        score=column("<u2", []),
        classified=none,
        top_label=column("<u2", [], 1),
        top_score=column("<u2", [], 1),
    )
    check_results(read_results(nothing.to_blob()), expectation())


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
    Lie("resources", {"resource_ids": (*RESOURCES, BATCH)}),
    Lie("outcomes", {"outcomes": (seen(), seen())}),
    Lie("model", {"stages": (stage_run(model=ModelRef(name="other", version="1", sha256="f" * 64)),)}),
    Lie("model", {"stages": (stage_run(ModelKind.CLASSIFICATION, CLASSIFIER),)}),
    Lie("resource", {"resource_index": column("<u4", [3])}),
    Lie("frame", {"resource_index": column("<u4", [2])}),
    Lie("frame", {"frame_index": column("<u4", [1])}),
    Lie("label", {"label": column("<u2", [3])}),
    Lie("box", {"box": column("<u2", [60000, 0, 6000, 10], 4)}),
    Lie("box", {"box": column("<u2", [0, 60000, 10, 6000], 4)}),
    Lie("shape", {"box": column("<u2", [0, 0, 1], 3)}),
    Lie("shape", {"score": column("<u2", [1, 2])}),
    Lie("shape", {"score": column("<u4", [1])}),
    Lie("shape", {"top_score": column("<u2", [1], 1)}),
    Lie("classified", {"classified": column("<u4", [1])}),
    Lie("label", {"top_label": column("<u2", [8, 1], 2)}),
    Lie("shape", {"logits": Column("<f2", (1, 7), memoryview(b"\0" * 14))}),
    Lie("not-finite", {"logits": Column("<f2", (1, 8), memoryview(b"\x00\x7c" * 8))}),
    Lie("not-finite", {"features": Column("<f2", (1, 2), memoryview(b"\x01\x7e" * 2))}),
    Lie("times", {"outcomes": (seen(frame_times=(0.0, 1.0, 0.5)), seen(), failed())}),
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{lie.reason}-{next(iter(lie.changes))}")
def test_results_that_are_not_true_to_their_batch_are_refused(lie: Lie) -> None:
    with pytest.raises(BatchRefused) as refused:
        check_results(results(**lie.changes), expectation())
    assert refused.value.reason == lie.reason


def test_too_many_detections_in_one_frame_are_refused() -> None:
    many = results(
        resource_index=column("<u4", [0] * 3),
        frame_index=column("<u4", [0] * 3),
        box=column("<u2", [0, 0, 1, 1] * 3, 4),
        label=column("<u2", [0] * 3),
        score=column("<u2", [0] * 3),
    )
    with pytest.raises(BatchRefused, match="3 detections in one frame"):
        check_results(many, expectation(max_detections_per_frame=2))


def test_objects_are_not_classified_when_nobody_asked() -> None:
    only_detection = expectation(stages=(Stage(kind=ModelKind.DETECTION, model=stage_run().model),), labels=(3,))
    with pytest.raises(BatchRefused):
        check_results(results(), only_detection)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": "other"}, "unknown-version"),
        ({"schema_version": 2}, "unknown-version"),
        ({"batch_id": "no id"}, "form"),
        ({"box": {"dtype": "<u2", "shape": [9, 4], "data": b""}}, "form"),
        ({"outcomes": [{"outcome": "perhaps"}]}, "form"),
        ({"outcomes": [{"outcome": "failed", "code": "tired", "message": ""}]}, "form"),
    ],
)
def test_a_blob_of_another_form_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    document = codec.decode(results().to_blob())
    assert document["schema"] == SCHEMA
    with pytest.raises(BlobRefused) as refused:
        read_results(codec.encode({**document, **change}))
    assert refused.value.reason == reason
