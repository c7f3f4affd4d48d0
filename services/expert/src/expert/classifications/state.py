"""The four types of classification and what may be done to each, as pure decisions."""

from enum import StrEnum


class ClassificationType(StrEnum):
    """`final` is the container of what is accepted; the others say something about the picture."""

    FINAL = "final"
    AI = "ai"
    USER = "user"
    FEEDBACK = "feedback"


APPROVABLE = frozenset({ClassificationType.AI, ClassificationType.USER})
FORKABLE = frozenset({ClassificationType.AI, ClassificationType.USER, ClassificationType.FEEDBACK})


def may_edit(kind: ClassificationType, *, locked: bool) -> bool:
    """Only a person's own kind of row, and only while nobody ever approved it."""
    return kind is ClassificationType.USER and not locked
