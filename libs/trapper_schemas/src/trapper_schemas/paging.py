"""One page of a list: the items and where the next page begins."""

from typing import Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    """A page; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None
