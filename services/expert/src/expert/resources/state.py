"""States of a resource, and its visibility."""

from enum import StrEnum


class ResourceState(StrEnum):
    """`stored`, then `described` or `unreadable`."""

    STORED = "stored"
    DESCRIBED = "described"
    UNREADABLE = "unreadable"


class ResourceKind(StrEnum):
    """The kind of medium; unknown before the bytes are decoded."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    UNKNOWN = "unknown"


class PrivacyState(StrEnum):
    """Whether the picture may be shown."""

    OPEN = "open"
    HELD = "held"
    CLEAR = "clear"
    BLURRED = "blurred"
    FAILED = "failed"


class Visibility(StrEnum):
    """Who may see the resource besides the members."""

    PRIVATE = "private"
    ON_DEMAND = "on_demand"
    PUBLIC = "public"
