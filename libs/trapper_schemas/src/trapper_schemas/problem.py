"""The body of every refusal: problem details as in RFC 9457."""

from typing import Any

from pydantic import BaseModel, ConfigDict

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One field of a request that was not accepted; `loc` is the path to it, the input is never repeated."""

    loc: list[str | int]
    code: str
    message: str


class ProblemBody(BaseModel):
    """A refusal: `type` is stable for ever and listed in docs/problems.md; extras name what is concerned."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str | None = None
    instance: str | None = None
    errors: list[FieldError] | None = None

    def extras(self) -> dict[str, Any]:
        """The members beyond the standard ones."""
        return dict(self.model_extra or {})
