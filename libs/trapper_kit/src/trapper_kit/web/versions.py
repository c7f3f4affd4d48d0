"""Optimistic concurrency control: a row's version is its ETag, and a change names it in If-Match."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Header, Response
from pydantic import BaseModel, BeforeValidator, ValidationError, WithJsonSchema

from trapper_kit.problems import Invalid, PreconditionFailed, PreconditionRequired
from trapper_schemas.base import Change
from trapper_schemas.problem import FieldError

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
        raise ValueError('give the version of the row in quotes, as in its ETag: "3"')
    return int(matched.group(1))


IfMatch = Annotated[
    int,
    BeforeValidator(_version),
    WithJsonSchema({"type": "string", "examples": ['"3"']}),
    Header(alias=IF_MATCH, description="version of the row that is changed, as its ETag and `version` tell it"),
]
"""The version that a caller has read; a request without it is answered with 428."""


def check_change(
    body: Change, expected: int, current: BaseModel, *, version: int, ignored: frozenset[str] = frozenset()
) -> None:
    """Raises PreconditionFailed for another version than the caller read, Invalid for fields that cannot be changed.

    `ignored` are fields of the reply to a change that are none of the row.
    """
    if version != expected:
        raise PreconditionFailed(
            f"If-Match names version {expected}, the row is at version {version}; read `current` and decide again",
            version=version,
            current=current.model_dump(mode="json"),
        )
    extras = {name: value for name, value in (body.model_extra or {}).items() if name not in ignored}
    refuse_read_only(extras, current, ["body"])


def refuse_read_only(extras: Mapping[str, Any], current: BaseModel, loc: list[str | int]) -> None:
    """Raises Invalid, naming each field that the row does not have, or has with another value."""
    if not extras:
        return
    fields = type(current).model_fields
    errors = [_field_error(loc, name, "is not a field of this row") for name in extras if name not in fields]
    for name in fields.keys() & extras.keys():
        try:
            given = type(current).model_validate(current.model_dump() | {name: extras[name]})
        except ValidationError:
            given = None
        if given is None or getattr(given, name) != getattr(current, name):
            errors.append(_field_error(loc, name, "cannot be changed; leave it out or send it as it was read"))
    if errors:
        raise Invalid("; ".join(error.message for error in errors[:3]), errors=errors)


def _field_error(loc: list[str | int], name: str, message: str) -> FieldError:
    name = name[:100]
    return FieldError(loc=[*loc, name], code="read-only", message=f"{name} {message}")


def tagged(response: Response, reply: Reply) -> Reply:
    """The reply, with its version in the response's ETag."""
    response.headers["ETag"] = f'"{reply.version}"'
    return reply
