"""The four types of classification and what may be done to each, as pure decisions."""

from expert.observations.state import ClassificationType

APPROVABLE = frozenset({ClassificationType.AI, ClassificationType.USER})
FORKABLE = frozenset({ClassificationType.AI, ClassificationType.USER, ClassificationType.FEEDBACK})


def is_editable(kind: ClassificationType, *, locked: bool) -> bool:
    """Whether the row may change: a person's row that nobody ever approved."""
    return kind is ClassificationType.USER and not locked


def version_of(kind: ClassificationType, version: int, final_version: int) -> int:
    """The number of writes to a row and of decisions about its resource; it only grows, so it serves as the ETag."""
    return version if kind is ClassificationType.FINAL else version + final_version
