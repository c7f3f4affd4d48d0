"""Kinds of algorithms."""

from enum import StrEnum


class AlgorithmKind(StrEnum):
    """Kinds of algorithms: the first four are models, the others are computed from predictions."""

    DETECTION = "detection"
    CLASSIFICATION = "classification"
    EMBEDDING = "embedding"
    DEPTH = "depth"
    POST_PROCESSING = "post_processing"
    TRACKING = "tracking"
