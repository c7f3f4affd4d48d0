"""One page of a list: the items and where the next page begins."""

from typing import Generic, TypeVar

from pydantic import BaseModel, Field

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """A page; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last one")

    @classmethod
    def model_parametrized_name(cls, params: tuple[object, ...]) -> str:
        """The name in contracts: `LocationPage` for a page of `LocationReply`."""
        return f"{str(getattr(params[0], '__name__', '')).removesuffix('Reply')}Page"
