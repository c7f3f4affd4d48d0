"""Registers the kinds of operations: a new kind is one function with one line above it."""

from collections.abc import Awaitable, Callable

from expert.deps import ExpertWork
from expert.operations.models import Operation
from expert.operations.state import BatchOutcome
from trapper_kit.db import Session

RunBatch = Callable[[ExpertWork, Session, Operation], Awaitable[BatchOutcome]]
"""Does the batch after `operation.position` in the given transaction, which also records its outcome.

A Problem ends the operation as failed with its message; any other exception is tried again, after a pause.
"""

KINDS: dict[str, RunBatch] = {}
"""What runs a batch of each kind, by the kind's name."""


def operation_kind(name: str) -> Callable[[RunBatch], RunBatch]:
    """The decorator that registers a function under the name of its kind, `FEATURE.VERB`."""

    def register(run_batch: RunBatch) -> RunBatch:
        if name in KINDS:
            raise ValueError(f"the kind of operation {name} is registered twice")
        KINDS[name] = run_batch
        return run_batch

    return register
