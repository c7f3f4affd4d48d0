"""What an observation may say, as the words of the domain."""

from enum import StrEnum


class ObservationLevel(StrEnum):
    """One object, or a group that is counted without boxes."""

    OBJECT = "object"
    GROUP = "group"


class ObservationType(StrEnum):
    """What was seen; `blank` and `unclassified` are about the whole resource and have no box."""

    ANIMAL = "animal"
    HUMAN = "human"
    VEHICLE = "vehicle"
    BLANK = "blank"
    UNKNOWN = "unknown"
    UNCLASSIFIED = "unclassified"


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


class LifeStage(StrEnum):
    ADULT = "adult"
    SUBADULT = "subadult"
    JUVENILE = "juvenile"


WHOLE_RESOURCE = frozenset({ObservationType.BLANK, ObservationType.UNCLASSIFIED})
