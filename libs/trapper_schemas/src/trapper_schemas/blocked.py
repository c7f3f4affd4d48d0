"""Why a thing cannot go on until a person does something."""

from pydantic import Field

from trapper_schemas.base import Reply


class Blocked(Reply):
    """A lasting reason; it goes away by itself once its cause has gone."""

    code: str = Field(description="stable, for programs")
    message: str = Field(description="what is wrong, in one sentence")
    what_to_do: str = Field(description="what a person does about it, with the command where there is one")
