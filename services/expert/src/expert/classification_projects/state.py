"""What a classification project can be."""

from enum import StrEnum


class ClassificationProjectStatus(StrEnum):
    """Nothing is submitted for a finished one."""

    ONGOING = "ongoing"
    FINISHED = "finished"
