"""What every table and every loop of the worker stands on: the declarative base, the loop book, a full disk."""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy.orm import DeclarativeBase

from trapper_kit.db import TYPES, DatabaseUnavailable, metadata
from trapper_kit.loops import LoopBook

loop = LoopBook()
"""Features note their steps here; only the worker's `tasks` runs the book."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Base(DeclarativeBase):
    """Of all tables of the worker's own file."""

    metadata = metadata()
    type_annotation_map: ClassVar[dict[Any, Any]] = dict(TYPES)


class DiskFull(Exception):  # noqa: N818 - named after what is the case
    """Nothing more can be written below the state folder; the batch is somebody else's to finish."""


@contextmanager
def writing(what: str) -> Generator[None, None, None]:
    """Turns a full disk, of files or of the database, into DiskFull; any other error stays what it is."""
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
