"""Boxes, matching, and what a person may say."""

from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from expert.observations.match_boxes import match_boxes, overlap
from expert.observations.state import (
    RULES,
    ObservationInput,
    clip,
    faults,
    frame_fault,
    has_area,
    is_inside,
)

side = st.floats(0, 1, allow_nan=False)
boxes = st.tuples(side, side, side, side)


@given(boxes)
def test_a_clipped_box_lies_in_the_picture(box: tuple[float, float, float, float]) -> None:
    assert is_inside(clip(box))


@given(boxes, boxes)
def test_overlap_is_the_same_both_ways_and_a_fraction(
    first: tuple[float, float, float, float], second: tuple[float, float, float, float]
) -> None:
    assert overlap(first, second) == pytest.approx(overlap(second, first))
    assert 0 <= overlap(first, second) <= 1 + 1e-9


@given(st.lists(boxes, max_size=6), st.lists(boxes, max_size=6))
def test_matching_is_one_to_one(
    new: list[tuple[float, float, float, float]], old: list[tuple[float, float, float, float]]
) -> None:
    pairs = match_boxes([("animal", one) for one in new], [("animal", one) for one in old], at_least=0.5)
    assert len(set(pairs.values())) == len(pairs)
    assert all(overlap(new[i], old[j]) >= 0.5 for i, j in pairs.items())


def test_the_best_overlap_goes_first_and_types_do_not_mix() -> None:
    exact, near = (0.1, 0.1, 0.4, 0.4), (0.15, 0.1, 0.4, 0.4)
    assert match_boxes([("animal", near), ("animal", exact)], [("animal", exact)], at_least=0.5) == {1: 0}
    assert match_boxes([("human", exact)], [("animal", exact)], at_least=0.5) == {}


BOX = (0, 0, 1, 1)
CASES: list[tuple[dict[str, object], list[str]]] = [
    ({"observation_type": "blank"}, []),
    ({"observation_type": "unclassified"}, []),
    ({"observation_type": "animal", "bbox": BOX}, []),
    ({"observation_type": "human", "bbox": BOX}, []),
    ({"observation_type": "animal"}, ["bbox"]),
    ({"observation_type": "animal", "bbox": (0.5, 0, 0.6, 1)}, ["bbox"]),
    ({"observation_type": "animal", "bbox": (0.5, 0.5, 0, 0.2)}, ["bbox"]),
    ({"observation_type": "animal", "bbox": (0.5, 0.5, 0.2, 1e-6)}, ["bbox"]),
    ({"observation_type": "animal", "bbox": (1, 0.5, 1e-6, 0.2)}, ["bbox"]),
    ({"observation_type": "animal", "observation_level": "group", "count": 3}, []),
    ({"observation_type": "animal", "observation_level": "group"}, ["count"]),
    ({"observation_type": "animal", "observation_level": "group", "count": 2, "individual_id": "x"}, ["individual_id"]),
    ({"observation_type": "animal", "observation_level": "group", "count": 2, "bbox": BOX}, ["bbox"]),
    ({"observation_type": "blank", "observation_level": "group"}, ["observation_level"]),
    ({"observation_type": "blank", "observation_level": "object"}, ["observation_level"]),
    ({"observation_type": "blank", "bbox": BOX}, ["bbox"]),
    ({"observation_type": "unknown", "observation_level": "resource"}, []),
    ({"observation_type": "animal", "observation_level": "resource", "count": 3}, []),
    ({"observation_type": "animal", "observation_level": "resource", "bbox": BOX}, ["bbox"]),
    ({"observation_type": "blank", "count": 1}, ["count"]),
    ({"observation_type": "blank", "taxon_id": str(UUID(int=1))}, ["taxon_id"]),
    ({"observation_type": "blank", "sex": "male", "life_stage": "adult"}, ["sex", "life_stage"]),
    ({"observation_type": "unclassified", "behaviour": "eats", "individual_id": "x"}, ["behaviour", "individual_id"]),
    ({"observation_type": "human", "bbox": BOX, "taxon_id": str(UUID(int=1))}, ["taxon_id"]),
    ({"observation_type": "vehicle", "bbox": BOX, "sex": "female"}, ["sex"]),
]


@pytest.mark.parametrize(("body", "fields"), CASES)
def test_a_contradiction_is_named_by_field(body: dict[str, object], fields: list[str]) -> None:
    assert [name for name, _ in faults(ObservationInput.model_validate(body))] == fields


def test_every_rule_is_broken_by_a_case_and_listed_in_the_docs() -> None:
    inputs = [ObservationInput.model_validate(body) for body, _ in CASES]
    page = Path("docs/observations.md").read_text("utf-8")
    for rule in RULES:
        assert any(rule.breaks(observation) for observation in inputs), rule.constraint
        assert f"| `{rule.field}` | {rule.message} | `{rule.constraint}` |" in page


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    with pytest.raises(ValidationError):
        ObservationInput.model_validate_json(f'{{"observation_type": "animal", "bbox": [0, 0, 1, {number}]}}')


@given(st.integers(min_value=2**31))
def test_a_frame_index_beyond_the_column_is_refused(index: int) -> None:
    with pytest.raises(ValidationError):
        ObservationInput.model_validate({"observation_type": "animal", "bbox": BOX, "first_frame_index": index})


def test_a_frame_index_lies_in_its_resource() -> None:
    assert frame_fault(None, is_video=False, frames=None) is None
    assert frame_fault(0, is_video=False, frames=None) is None
    assert "one frame" in str(frame_fault(1, is_video=False, frames=None))
    assert frame_fault(9, is_video=True, frames=10) is None
    assert "at most 9" in str(frame_fault(10, is_video=True, frames=10))
    assert frame_fault(10, is_video=True, frames=None) is None


@given(boxes)
def test_a_box_with_area_keeps_it_when_it_is_clipped(box: tuple[float, float, float, float]) -> None:
    if has_area(box):
        assert has_area(clip(box))
        assert min(clip(box)[2:]) > 1e-6
