# pyright: basic
"""What detector and species model say together; a blank of the species model refutes no box (ADR 0010)."""

from uuid import uuid4

import pytest

from expert.results.interpret import ModelLabels, observe
from expert.results.queries import Meaning
from expert.results.read_blob import Box
from trapper_schemas.v1.models import NO_RANK, ObjectType

FOX = uuid4()
ANIMAL = Meaning("animal", ObjectType.ANIMAL, None, None)
DETECTOR = ModelLabels(uuid4(), {0: ANIMAL}, 0.3)
SPECIES = ModelLabels(
    uuid4(),
    {
        0: Meaning("red fox", None, FOX, "species"),
        1: Meaning("blank", None, None, NO_RANK),
        2: Meaning("animal", ObjectType.ANIMAL, None, NO_RANK),
        3: Meaning("person", ObjectType.HUMAN, None, NO_RANK),
    },
    0.5,
)


@pytest.mark.parametrize(
    ("best", "score", "expected"),
    [
        (0, 0.9, ("animal", "red fox", FOX, [False, True])),
        (0, 0.4, ("animal", "animal", None, [True, False])),
        (1, 0.99, ("animal", "animal", None, [True, False])),
        (2, 0.99, ("animal", "animal", None, [True, False])),
        (3, 0.9, ("human", "person", None, [False, True])),
        (3, 0.4, ("animal", "animal", None, [True, False])),
    ],
)
def test_what_the_species_model_adds_to_an_animal(best, score, expected):
    box = Box(0, (0.1, 0.1, 0.2, 0.2), 0, 0, 0.8, [(best, score), ((best + 1) % 4, 0.01)], 0)
    (observation,) = observe([box], DETECTOR, SPECIES)
    terminal = [prediction.terminal for prediction in observation.predictions]
    assert (observation.observation_type.value, observation.label, observation.taxon_id, terminal) == expected
    assert observation.predictions[1].label == SPECIES.meanings[best].label, "what it said is kept"


@pytest.mark.parametrize(("damaged", "expected"), [(False, "blank"), (True, "unclassified")])
def test_nothing_found_is_blank_unless_part_of_the_picture_is_lost(damaged, expected):
    (observation,) = observe([], DETECTOR, SPECIES, damaged=damaged)
    assert observation.observation_type.value == expected
