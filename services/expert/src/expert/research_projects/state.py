"""What a research project can be, and how its data were gathered."""

from enum import StrEnum


class ResearchProjectStatus(StrEnum):
    """Requested, then active or rejected by a site admin."""

    REQUESTED = "requested"
    ACTIVE = "active"
    REJECTED = "rejected"


class SamplingDesign(StrEnum):
    """In the words of Camtrap DP."""

    SIMPLE_RANDOM = "simpleRandom"
    SYSTEMATIC_RANDOM = "systematicRandom"
    CLUSTERED_RANDOM = "clusteredRandom"
    EXPERIMENTAL = "experimental"
    TARGETED = "targeted"
    OPPORTUNISTIC = "opportunistic"


class CaptureMethod(StrEnum):
    """In the words of Camtrap DP."""

    ACTIVITY_DETECTION = "activityDetection"
    TIME_LAPSE = "timeLapse"
