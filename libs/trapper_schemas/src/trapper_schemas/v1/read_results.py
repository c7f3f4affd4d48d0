"""Reads the document of a version 1 blob; whatever breaks a rule of form is refused."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, NoReturn
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from trapper_schemas.codec import BlobRefused
from trapper_schemas.column import ColumnMalformed, read_columns
from trapper_schemas.v1.results import BatchResults, FailureCode, StageRun

_MAX_STAGES, _MAX_MESSAGE, _SHA256_DIGITS = 8, 500, 64
_STAGES = TypeAdapter(tuple[StageRun, ...])
_CODES = TypeAdapter(tuple[FailureCode, ...])
_OPTIONAL = frozenset({"frame_times", "fps", "duration_seconds", "logits", "features"})


def read_document(document: dict[str, Any]) -> BatchResults:
    """Build results from a decoded blob; unknown fields come from a later writer and are ignored."""
    fields_read: dict[str, Any] = {}
    try:
        columns = read_columns(document.get("columns"), document.get("data"))
    except ColumnMalformed as problem:
        _refuse("columns", str(problem))
    for name in _COLUMNS:
        column = columns.get(name)
        if column is not None:
            fields_read[name] = column
        elif name not in _OPTIONAL:
            _refuse(name, "is missing")
    for name, read in _PLAIN.items():
        try:
            fields_read[name] = read(document[name])
        except KeyError:
            _refuse(name, "is missing")
        except ValidationError:
            raise
        except (TypeError, ValueError) as problem:
            _refuse(name, str(problem))
    return BatchResults(**fields_read)


def _refuse(name: str, what: str) -> NoReturn:
    raise BlobRefused("form", f"{name}: {what}")


def _id(value: object) -> UUID:
    if not isinstance(value, str):
        raise TypeError("an id is text")
    return UUID(value)


def _positive(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError("a whole number from 1 on is expected")
    return value


def _stages(value: object) -> tuple[StageRun, ...]:
    stages = _STAGES.validate_python(value)
    if len(stages) > _MAX_STAGES:
        raise ValueError(f"at most {_MAX_STAGES} stages are taken")
    return stages


def _digest(value: object) -> str:
    if not isinstance(value, str) or len(value) != _SHA256_DIGITS:
        raise ValueError("a sha256 has 64 digits")
    bytes.fromhex(value)
    return value


def _messages(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or any(type(text) is not str or len(text) > _MAX_MESSAGE for text in value):
        raise ValueError(f"messages are texts of at most {_MAX_MESSAGE} characters")
    return tuple(value)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "batch_id": _id,
    "attempt": _positive,
    "protocol": _positive,
    "worker_id": _id,
    "stages": _stages,
    "media_digest": _digest,
    "failure_codes": _CODES.validate_python,
    "failure_messages": _messages,
}
_COLUMNS = tuple(field.name for field in fields(BatchResults) if field.name not in _PLAIN)
