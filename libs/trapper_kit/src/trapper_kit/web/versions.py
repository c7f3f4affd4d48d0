"""Optimistic concurrency control: a row's version is its ETag, and a change names it in If-Match."""

import re
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Header, Response
from pydantic import BaseModel, BeforeValidator, WithJsonSchema

from trapper_kit.problems import PreconditionFailed, PreconditionRequired

IF_MATCH = "If-Match"
PRECONDITIONS = (PreconditionFailed, PreconditionRequired)
"""The refusals of a route that takes If-Match."""
_ETAG = re.compile(r'(?:W/)?"?(\d{1,9})"?')


class VersionedReply(Protocol):
    """A reply with the version of its row."""

    @property
    def version(self) -> int: ...


Reply = TypeVar("Reply", bound=VersionedReply)


def _version(value: Any) -> int:
    """The number in an ETag; raises ValueError for anything else."""
    matched = _ETAG.fullmatch(str(value).strip())
    if matched is None:
        raise ValueError('give the version of the row as its ETag tells it, such as "3"')
    return int(matched.group(1))


IfMatch = Annotated[
    int,
    BeforeValidator(_version),
    WithJsonSchema({"type": "string", "examples": ['"3"']}),
    Header(alias=IF_MATCH, description="version of the row that is changed, as its ETag and `version` tell it"),
]
"""The version that a caller has read; a request without it is answered with 428."""


def check_version(actual: int, expected: int, current: BaseModel) -> None:
    """Raises PreconditionFailed with the current state when the row is at another version than the caller read."""
    if actual != expected:
        raise PreconditionFailed(
            f"If-Match names version {expected}, the row is at version {actual}; look at `current` and decide again",
            version=actual,
            current=current.model_dump(mode="json"),
        )


def tagged(response: Response, reply: Reply) -> Reply:
    """The reply, with its version in the response's ETag."""
    response.headers["ETag"] = f'"{reply.version}"'
    return reply
