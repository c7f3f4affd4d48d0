"""Results come back as they went, and are checked against the lease they answer in every way they could be untrue."""

import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.make.results import (
    BATCH,
    CLASSIFIER,
    RESOURCES,
    WORKER,
    column,
    expectation,
    failed,
    outcome_columns,
    results,
    seen,
    stage_run,
)
from trapper_schemas import codec
from trapper_schemas.codec import BlobRefused
from trapper_schemas.column import Column
from trapper_schemas.read_results import READERS, read_results
from trapper_schemas.v1.check_results import BatchRefused, check_results
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelKind, ModelRef
from trapper_schemas.v1.results import SCHEMA, BatchResults, Failed, FailureCode, Seen, ids_column

GOLDEN = Path(__file__).parent / "golden"


def halves(rows: int, width: int, pattern: bytes = b"\x00\x3c") -> Column:
    """Half-precision numbers, all alike."""
    return Column("<f2", (rows, width), memoryview(pattern * (rows * width)))


def doubles(*numbers: float) -> Column:
    """Numbers in double precision."""
    return Column("<f8", (len(numbers),), memoryview(struct.pack(f"<{len(numbers)}d", *numbers)))


def video() -> BatchResults:
    """Two photos and a video of three frames, with an object in its last one; logits and features."""
    moving = seen(frame_times=(0.0, 0.5, 2.0), fps=25.0, duration_seconds=3.5)
    return results(
        outcomes=(seen(damaged=True), failed(), moving),
        resource_index=[2],
        frame_index=column("<u4", [2]),
        logits=halves(1, 8),
        features=halves(1, 4),
    )


def test_results_come_back_as_they_went() -> None:
    for sent in (results(), results(logits=halves(1, 8)), video()):
        assert read_results(sent.to_blob()) == sent
        check_results(sent, expectation(features=4))


@pytest.mark.parametrize(("name", "expected"), [("batch_results", results()), ("video", video())])
def test_the_golden_blobs_of_the_first_version_are_still_read(name: str, expected: BatchResults) -> None:
    assert read_results((GOLDEN / "v1" / f"{name}.bin").read_bytes()) == expected


def test_every_golden_blob_ever_published_is_read_and_every_version_has_one() -> None:
    blobs = sorted(GOLDEN.rglob("*.bin"))
    assert {blob.parent.name for blob in blobs} == {f"v{version}" for version in READERS}
    for blob in blobs:
        check_results(read_results(blob.read_bytes()), expectation(features=4))


def test_outcomes_can_be_read_one_by_one() -> None:
    photo, broken, moving = video().outcomes
    assert isinstance(photo, Seen)
    assert photo.damaged
    assert broken == Failed(code=FailureCode.UNDECODABLE, message="this is not a picture")
    assert isinstance(moving, Seen)
    assert moving.frame_times == (0.0, 0.5, 2.0)
    assert (moving.fps, moving.duration_seconds, photo.fps) == (25.0, 3.5, None)
    assert video().ids == RESOURCES


def test_an_empty_batch_of_failures_is_a_result() -> None:
    none = column("<u4", [])
    nothing = results(
        outcomes=(failed(), failed(message="nor is this"), failed()),
        stages=(),
        resource_index=(),
        frame_index=none,
        box=column("<u2", [], 4),
        label=column("<u2", []),
        score=column("<u2", []),
        classified_rows=(),
        top_label=column("<u2", [], 1),
        top_score=column("<u2", [], 1),
    )
    read = read_results(nothing.to_blob())
    check_results(read, expectation())
    assert read.failure_messages == ("this is not a picture", "nor is this")
    assert [(index, one.message[:3]) for index, one in read.failures()] == [(0, "thi"), (1, "nor"), (2, "thi")]


def test_a_batch_without_resources_is_a_result() -> None:
    empty = column("<u4", [])
    nothing = replace(
        results(stages=()),
        resource_ids=ids_column(()),
        **outcome_columns(()),
        detections=empty,
        frame_index=empty,
        box=column("<u2", [], 4),
        label=column("<u2", []),
        score=column("<u2", []),
        classified=column("<u1", []),
        top_label=column("<u2", [], 1),
        top_score=column("<u2", [], 1),
    )
    check_results(read_results(nothing.to_blob()), expectation(resource_ids=()))


@dataclass
class Lie:
    """What is said, and the reason for which it is refused."""

    reason: str
    changes: dict[str, Any]


LIES = [
    Lie("other-batch", {"batch_id": WORKER}),
    Lie("other-batch", {"attempt": 2}),
    Lie("protocol", {"protocol": 9}),
    Lie("resources", {"resource_ids": ids_column(RESOURCES[::-1])}),
    Lie("resources", {"resource_ids": ids_column((*RESOURCES, BATCH))}),
    Lie("shape", {"resource_ids": column("<u1", [0] * 45, 15)}),
    Lie("outcomes", {"state": column("<u1", [0, 0])}),
    Lie("outcomes", {"state": column("<u1", [0, 0, 3])}),
    Lie("outcomes", {"state": column("<u1", [0, 2, 2])}),
    Lie("shape", {"state": column("<u2", [0, 0, 2])}),
    Lie("outcomes", {"width": column("<u4", [1280, 0, 0])}),
    Lie("outcomes", {"height": column("<u4", [960, 960, 960])}),
    Lie("shape", {"height": column("<u4", [960, 960])}),
    Lie("outcomes", {"frames": column("<u4", [1, 1, 1])}),
    Lie("times", {"frames": column("<u4", [1, 2, 0])}),
    Lie("shape", {"frame_times": doubles(0.0)}),
    Lie("not-finite", {"frame_times": doubles(0.0, float("inf"))}),
    Lie("not-finite", {"fps": doubles(0.0, float("nan"), 0.0)}),
    Lie("outcomes", {"duration_seconds": doubles(0.0, -1.0, 0.0)}),
    Lie("shape", {"fps": doubles(25.0)}),
    Lie("shape", {"failure_code": column("<u1", [])}),
    Lie("failures", {"failure_code": column("<u1", [1])}),
    Lie("failures", {"failure_message": column("<u4", [1])}),
    Lie("failures", {"failure_codes": ()}),
    Lie("model", {"stages": (stage_run(model=ModelRef(name="other", version="1", sha256="f" * 64)),)}),
    Lie("model", {"stages": (stage_run(ModelKind.CLASSIFICATION, CLASSIFIER),)}),
    Lie("resource", {"detections": column("<u4", [2, 0, 0])}),
    Lie("resource", {"detections": column("<u4", [0, 0, 0])}),
    Lie("frame", {"detections": column("<u4", [0, 0, 1])}),
    Lie("shape", {"detections": column("<u4", [1, 0])}),
    Lie("frame", {"frame_index": column("<u4", [1])}),
    Lie("label", {"label": column("<u2", [3])}),
    Lie("box", {"box": column("<u2", [60000, 0, 6000, 10], 4)}),
    Lie("box", {"box": column("<u2", [0, 60000, 10, 6000], 4)}),
    Lie("shape", {"box": column("<u2", [0, 0, 1], 3)}),
    Lie("shape", {"score": column("<u2", [1, 2])}),
    Lie("shape", {"score": column("<u4", [1])}),
    Lie("shape", {"top_score": column("<u2", [1], 1)}),
    Lie("shape", {"classified": column("<u1", [0])}),
    Lie("shape", {"classified": column("<u1", [1, 1])}),
    Lie("classified", {"classified": column("<u1", [2])}),
    Lie("label", {"top_label": column("<u2", [8, 1], 2)}),
    Lie("shape", {"logits": halves(1, 7)}),
    Lie("shape", {"logits": Column("<f4", (1, 8), memoryview(bytes(32)))}),
    Lie("shape", {"features": halves(2, 4)}),
    Lie("shape", {"features": halves(1, 5)}),
    Lie("not-finite", {"logits": halves(1, 8, b"\x00\x7c")}),
    Lie("not-finite", {"logits": halves(1, 8, b"\x00\xfc")}),
    Lie("not-finite", {"features": halves(1, 4, b"\x01\x7e")}),
]


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{lie.reason}-{next(iter(lie.changes))}")
def test_results_that_are_not_true_to_their_batch_are_refused(lie: Lie) -> None:
    with pytest.raises(BatchRefused) as refused:
        check_results(read_results(replace(results(), **lie.changes).to_blob()), expectation(features=4))
    assert refused.value.reason == lie.reason


@pytest.mark.parametrize("times", [(0.0, 1.0, 0.5), (0.0, 0.0, 1.0), (2.0, 1.0, 0.0)])
def test_times_that_run_backwards_are_refused_only_within_a_resource(times: tuple[float, ...]) -> None:
    before = seen(frame_times=(0.0, 9.0))
    check_results(results(outcomes=(before, seen(frame_times=(0.0, 1.0)), failed())), expectation())
    with pytest.raises(BatchRefused) as refused:
        check_results(results(outcomes=(before, seen(frame_times=times), failed())), expectation())
    assert refused.value.reason == "times"


def test_files_that_are_not_those_of_the_lease_are_refused() -> None:
    lease = expectation(media_sha256=("c" * 64, "c" * 64, "d" * 64))  # the third failed, so nothing is said of it
    check_results(results(), lease)
    with pytest.raises(BatchRefused) as refused:
        check_results(replace(results(), media_digest="0" * 64), lease)
    assert refused.value.reason == "media"


def test_whose_resources_they_are_may_be_left_to_others() -> None:
    check_results(results(resource_ids=RESOURCES[::-1]), expectation(resource_ids=None))


@pytest.mark.parametrize("frames", [(0, 0, 0), (1, 1, 1)])
def test_too_many_detections_in_one_frame_are_refused(frames: tuple[int, ...]) -> None:
    many = results(
        outcomes=(seen(frame_times=(0.0, 1.0)), seen(), failed()),
        resource_index=[0] * 3,
        frame_index=column("<u4", frames),
        box=column("<u2", [0, 0, 1, 1] * 3, 4),
        label=column("<u2", [0] * 3),
        score=column("<u2", [0] * 3),
    )
    check_results(many, expectation(max_detections_per_frame=3))
    with pytest.raises(BatchRefused, match="3 detections in one frame"):
        check_results(many, expectation(max_detections_per_frame=2))


def test_features_are_refused_when_no_stage_gives_any() -> None:
    with pytest.raises(BatchRefused) as refused:
        check_results(results(features=halves(1, 4)), expectation())
    assert refused.value.reason == "shape"


def test_objects_are_not_classified_when_nobody_asked() -> None:
    only_detection = expectation(stages=(Stage(kind=ModelKind.DETECTION, model=stage_run().model),), labels=(3,))
    with pytest.raises(BatchRefused):
        check_results(results(), only_detection)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema": "other"}, "unknown-version"),
        ({"schema_version": 2}, "unknown-version"),
        ({"schema_version": True}, "unknown-version"),
        ({"schema_version": [1]}, "unknown-version"),
        ({"batch_id": "no id"}, "form"),
        ({"batch_id": 7}, "form"),
        ({"attempt": 0}, "form"),
        ({"protocol": "1"}, "form"),
        ({"media_digest": "c" * 63}, "form"),
        ({"media_digest": "z" * 64}, "form"),
        ({"stages": [{"kind": "detection"}]}, "form"),
        ({"stages": [stage_run().model_dump(mode="json")] * 9}, "form"),
        ({"failure_codes": ["tired"]}, "form"),
        ({"failure_messages": ["x" * 501]}, "form"),
        ({"failure_messages": [1]}, "form"),
        ({"data": b""}, "form"),
        ({"data": "text"}, "form"),
        ({"columns": []}, "form"),
    ],
)
def test_a_blob_of_another_form_is_refused_with_its_reason(change: dict[str, Any], reason: str) -> None:
    document = codec.decode(results().to_blob())
    assert document["schema"] == SCHEMA
    with pytest.raises(BlobRefused) as refused:
        read_results(codec.encode({**document, **change}))
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        ["<u2", [1, 4]],
        ["<u2", [1, 4], 1, 1],
        ["<u2", [9, 4], 1],
        ["<u2", [1, -4], 1],
        ["<u2", [1, True], 1],
        ["<u2", [2**62, 2**62], 1],
        ["<u2", [], 1],
        ["<u2", 4, 1],
        ["|O", [1, 4], 1],
        [["<u2"], [1, 4], 1],
        ["<u2", [1, 4], 3],
        ["<u2", [1, 4], 0],
        ["<u2", [1, 4], -1],
        ["<u2", [1, 4], "2"],
        ["<u2", [1, 4], True],
        ["<u2", [1, 4], 128],
    ],
)
def test_a_column_that_is_told_wrongly_is_refused(told: Any) -> None:
    document = codec.decode(results().to_blob())
    with pytest.raises(BlobRefused) as refused:
        read_results(codec.encode({**document, "columns": document["columns"] | {"box": told}}))
    assert refused.value.reason == "form"


@pytest.mark.parametrize("name", ["batch_id", "stages", "media_digest", "failure_messages", "columns", "data"])
def test_what_is_missing_is_named(name: str) -> None:
    document = codec.decode(results().to_blob())
    del document[name]
    with pytest.raises(BlobRefused, match=name):
        read_results(codec.encode(document))


@pytest.mark.parametrize("name", ["state", "box", "resource_ids", "top_score"])
def test_a_column_that_is_missing_is_named(name: str) -> None:
    document = codec.decode(results().to_blob())
    renamed = {"spare" if key == name else key: told for key, told in document["columns"].items()}
    with pytest.raises(BlobRefused, match=name):
        read_results(codec.encode({**document, "columns": renamed}))


def test_what_a_later_writer_adds_is_ignored() -> None:
    document = codec.decode(results().to_blob())
    later = {**document, "weather": "rain", "data": document["data"] + b"\x01\x02\x03\x04"}
    later["columns"] = document["columns"] | {"disparity": ["<u2", [2], 2]}
    assert read_results(codec.encode(later)) == results()


@st.composite
def batches(draw: st.DrawFn) -> BatchResults:
    """Any batch that a worker could truly send."""
    outcomes = draw(
        st.lists(
            st.one_of(
                st.builds(
                    lambda width, damaged, steps: seen(
                        width=width, damaged=damaged, frame_times=tuple(0.25 * step for step in range(steps))
                    ),
                    st.integers(1, 2**32 - 1),
                    st.booleans(),
                    st.integers(1, 4),
                ),
                st.builds(failed, message=st.text(max_size=20), code=st.sampled_from(list(FailureCode))),
            ),
            min_size=3,
            max_size=3,
        )
    )
    places = [(owner, frame) for owner, one in enumerate(outcomes) if not isinstance(one, Failed)
              for frame in range(len(one.frame_times))]  # fmt: skip
    found = sorted(draw(st.lists(st.sampled_from(places), max_size=12))) if places else []
    fixed = st.integers(0, 65535)
    boxes = draw(st.lists(st.tuples(*[st.integers(0, 32767)] * 4), min_size=len(found), max_size=len(found)))
    chosen = [row for row in range(len(found)) if draw(st.booleans())]
    kept = draw(st.integers(0, 3))
    tops = st.lists(st.one_of(st.integers(0, 7), st.just(65535)), min_size=kept, max_size=kept)
    return results(
        outcomes=tuple(outcomes),
        resource_index=[owner for owner, _ in found],
        frame_index=column("<u4", [frame for _, frame in found]),
        box=column("<u2", [side for box in boxes for side in box], 4),
        label=column("<u2", [draw(st.integers(0, 2)) for _ in found]),
        score=column("<u2", [draw(fixed) for _ in found]),
        classified_rows=chosen,
        top_label=Column("<u2", (len(chosen), kept), _flat([draw(tops) for _ in chosen])),
        top_score=Column("<u2", (len(chosen), kept), _flat([[draw(fixed)] * kept for _ in chosen])),
        logits=halves(len(chosen), 8) if draw(st.booleans()) else None,
    )


def _flat(rows: list[list[int]]) -> memoryview:
    numbers = [number for row in rows for number in row]
    return memoryview(struct.pack(f"<{len(numbers)}H", *numbers))


@given(batches())
def test_any_true_batch_is_read_as_it_was_written(said: BatchResults) -> None:
    read = read_results(said.to_blob())
    check_results(read, expectation())
    assert read == said
    assert read.outcomes == said.outcomes
