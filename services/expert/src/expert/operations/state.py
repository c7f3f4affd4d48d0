"""The states of an operation, and what a batch of it reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import JsonValue

Document = dict[str, JsonValue]
"""A JSON object."""


class OperationState(StrEnum):
    """How far an operation is; `waiting` is also the pause before another attempt."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class LogLevel(StrEnum):
    """What a log line is; an `error` names the row that failed, and the other rows go on."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


CLOSED = frozenset({OperationState.FINISHED, OperationState.FAILED, OperationState.CANCELLED})

MAX_LINES = 10_000
"""Log lines that are kept of an operation, the newest."""
MAX_FAILURES = 5
"""Attempts at the same batch, after which the operation fails."""


@dataclass(frozen=True)
class LogLine:
    """A line of an operation's log; `item` names the row that it is about, `code` the kind of error."""

    level: LogLevel
    message: str
    item: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class BatchOutcome:
    """What a batch did, committed with its work: where the next one begins, and what to add to the counts."""

    position: Document
    done: int
    is_last: bool
    counters: Mapping[str, int] = field(default_factory=dict)
    lines: Sequence[LogLine] = ()
    result: Document | None = None


def add_counters(present: Mapping[str, int], added: Mapping[str, int]) -> dict[str, int]:
    """The sum of both, by name."""
    return {name: present.get(name, 0) + added.get(name, 0) for name in (*present, *added)}
