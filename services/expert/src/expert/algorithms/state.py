"""What kinds of algorithm make predictions."""

from enum import StrEnum


class AlgorithmKind(StrEnum):
    """The first four are models, the others are computed from what models said."""

    DETECTION = "detection"
    CLASSIFICATION = "classification"
    EMBEDDING = "embedding"
    DEPTH = "depth"
    POST_PROCESSING = "post_processing"
    TRACKING = "tracking"
