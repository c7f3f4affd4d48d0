"""The declarative base and the task book."""

from sqlalchemy.orm import DeclarativeBase

from trapper_kit.broker import TaskBook
from trapper_kit.db import TYPES, metadata


class Base(DeclarativeBase):
    """The base of every table of the Manager."""

    metadata = metadata()
    type_annotation_map = TYPES


task = TaskBook()
MAX_BIGINT = 2**63 - 1
"""What a column of whole numbers holds; no file and no machine has more bytes."""
