"""What counts are kept by."""

from enum import StrEnum


class Facet(StrEnum):
    """What the resources of a sum share."""

    DEPLOYMENT = "deployment"
    DAY = "day"
    HOUR = "hour"
    LABEL = "label"


class Source(StrEnum):
    """Whose rows a label is counted from: the newest row of the AI, or the approved one."""

    AI = "ai"
    APPROVED = "approved"


COUNTERS = ("resources", "with_ai", "by_people", "approved", "in_review", "failed", "blank", "observations")
"""What is summed; a label has only resources and observations."""
