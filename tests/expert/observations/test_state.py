"""Boxes, matching, and what a person may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expert.observations.state import Told, clip, faults, inside, match, overlap

side = st.floats(0, 1, allow_nan=False)
boxes = st.tuples(side, side, side, side)


@given(boxes)
def test_a_clipped_box_lies_in_the_picture(box: tuple[float, float, float, float]) -> None:
    assert inside(clip(box))


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
    pairs = match([("animal", one) for one in new], [("animal", one) for one in old], at_least=0.5)
    assert len(set(pairs.values())) == len(pairs)
    assert all(overlap(new[i], old[j]) >= 0.5 for i, j in pairs.items())


def test_the_best_overlap_goes_first_and_types_do_not_mix() -> None:
    exact, near = (0.1, 0.1, 0.4, 0.4), (0.15, 0.1, 0.4, 0.4)
    assert match([("animal", near), ("animal", exact)], [("animal", exact)], at_least=0.5) == {1: 0}
    assert match([("human", exact)], [("animal", exact)], at_least=0.5) == {}


@pytest.mark.parametrize(
    ("said", "fields"),
    [
        ({"observation_type": "blank"}, []),
        ({"observation_type": "animal", "bbox": (0, 0, 1, 1)}, []),
        ({"observation_type": "animal"}, ["bbox"]),
        ({"observation_type": "animal", "bbox": (0.5, 0, 0.6, 1)}, ["bbox"]),
        ({"observation_type": "animal", "observation_level": "group", "count": 3}, []),
        ({"observation_type": "animal", "observation_level": "group"}, ["count"]),
        ({"observation_type": "animal", "observation_level": "group", "count": 2, "individual_id": "x"},
         ["individual_id"]),
    ],
)  # fmt: skip
def test_what_the_database_would_refuse_is_said_by_field(said: dict[str, object], fields: list[str]) -> None:
    assert [name for name, _ in faults(Told.model_validate(said))] == fields
