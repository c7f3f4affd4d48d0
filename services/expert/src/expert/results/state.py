"""The life of a received batch."""

from enum import StrEnum


class ReceivedState(StrEnum):
    """`kept`: the blob is durable here; `applied`: its rows are written; `refused`: nothing came of it."""

    KEPT = "kept"
    APPLIED = "applied"
    REFUSED = "refused"
