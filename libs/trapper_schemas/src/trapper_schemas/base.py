"""The two kinds of message: a request forbids what it does not know, a reply ignores it."""

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """What one service asks of another; an unknown field is an error, so the receiver is deployed first."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", allow_inf_nan=False)


class Reply(BaseModel):
    """What a service answers; a reader ignores fields that it does not know yet."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)
