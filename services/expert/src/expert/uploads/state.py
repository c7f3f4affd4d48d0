"""The states of an upload."""

from enum import StrEnum


class UploadState(StrEnum):
    """Announced; finished, with its resource; or expired without a body."""

    OPEN = "open"
    FINISHED = "finished"
    EXPIRED = "expired"
