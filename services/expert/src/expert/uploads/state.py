"""What a promised upload can be."""

from enum import StrEnum


class UploadState(StrEnum):
    """Promised; the resource is there; or nothing came in time."""

    OPEN = "open"
    FINISHED = "finished"
    EXPIRED = "expired"
