"""Bodies of algorithms and their labels."""

from datetime import datetime

from pydantic import Field

from expert.algorithms.state import AlgorithmSummary, LabelReply


class AlgorithmReply(AlgorithmSummary):
    """A model version, or a post-processing method with its parameters."""

    key: str = Field(description="unique, of the kind, name, version and weights")
    sha256: str | None = Field(description="of the weights; null for algorithms that compute from predictions")
    parameters: dict[str, object] = Field(
        description="what makes it different from the algorithm that it is derived from"
    )
    derived_from: AlgorithmSummary | None
    label_count: int = Field(description="number of labels, from 0")
    created_at: datetime


class AlgorithmDetail(AlgorithmReply):
    """An algorithm with its first 200 labels in index order; `labels/` lists all of them."""

    labels: list[LabelReply]
