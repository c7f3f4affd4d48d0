"""The body of every refusal: problem details as in RFC 9457."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

MEDIA_TYPE = "application/problem+json"


def _utf8(value: Any) -> Any:
    """Half a character, as JSON may name one, is no text that a reply could carry."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


Utf8Text = Annotated[str, BeforeValidator(_utf8)]


class FieldError(BaseModel):
    """One field of a request that was not accepted; `loc` is the path to it, the input is never repeated."""

    loc: list[Utf8Text | int]
    code: str
    message: Utf8Text


class ProblemBody(BaseModel):
    """A refusal: `type` is stable for ever and listed in docs/problems.md; extras name what is concerned."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: Utf8Text | None = None
    instance: str | None = None
    errors: list[FieldError] | None = None

    def extras(self) -> dict[str, Any]:
        """The members beyond the standard ones."""
        return dict(self.model_extra or {})


def field_message(error: Mapping[str, Any]) -> str:
    """The message of one of pydantic's errors, without the word that it puts before a validator's own sentence."""
    return str(error["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
