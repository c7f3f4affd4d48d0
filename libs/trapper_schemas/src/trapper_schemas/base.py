"""The two kinds of message: a request forbids what it does not know, a reply ignores it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

RowVersion = Annotated[int, Field(ge=0, description="raised by each write; send it in If-Match to change the row")]
"""The field `version` of a row that people edit."""


class Request(BaseModel):
    """What one service asks of another; an unknown field is an error, so the receiver is deployed first."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", allow_inf_nan=False)


class Reply(BaseModel):
    """What a service answers; a reader ignores fields that it does not know yet."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
