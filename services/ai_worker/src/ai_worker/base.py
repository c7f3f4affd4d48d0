"""The declarative base of the tables, the loop book, and the error of a full disk."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy.orm import DeclarativeBase

from ai_worker.loops import LoopBook
from trapper_kit.db import TYPES, DatabaseUnavailable, metadata

loop = LoopBook()
"""Features register their loops here; `tasks` runs them."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Base(DeclarativeBase):
    """The base of all tables of the worker's database file."""

    metadata = metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = dict(TYPES)


class DiskFull(Exception):  # noqa: N818 - named after what is the case
    """The disk of the state folder is full; another worker has to finish the batch."""


@contextmanager
def writing(what: str) -> Generator[None, None, None]:
    """Raise DiskFull instead of the error of a full disk, of files or of the database."""
    try:
        yield
    except OSError as problem:
        if problem.errno in _FULL:
            raise DiskFull(f"no space left to write {what}") from problem
        raise
    except DatabaseUnavailable as problem:
        if "is full" in str(problem):  # SQLITE_FULL, through two wrappers that keep only its text
            raise DiskFull(f"no space left to write {what}") from problem
        raise
