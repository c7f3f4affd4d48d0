"""The two kinds of message: a request forbids what it does not know, a reply ignores it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

RowVersion = Annotated[int, Field(ge=0, description="raised by each write; send it in If-Match to change the row")]
"""The field `version` of a row that people edit."""


class Request(BaseModel):
    """What one service asks of another; an unknown field is an error, so the receiver is deployed first."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", allow_inf_nan=False)


def without_defaults(schema: JsonDict) -> None:
    """Drop defaults, which a generated client would send, and that other fields are refused: the row's are taken."""
    schema.pop("additionalProperties", None)
    properties = schema["properties"]
    for field in properties.values() if isinstance(properties, dict) else ():
        if isinstance(field, dict):
            field.pop("default", None)


class Change(Request):
    """What changes in a row: a field that is not given stays.

    Read-only fields of the row are taken when they are as they were read, so that a row can be sent back.
    """

    model_config = ConfigDict(extra="allow", json_schema_extra=without_defaults)

    def changes(self) -> dict[str, object]:
        """The fields that are given and can be changed."""
        return self.model_dump(exclude_unset=True, include=set(type(self).model_fields))


class Reply(BaseModel):
    """What a service answers; a reader ignores fields that it does not know yet."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
