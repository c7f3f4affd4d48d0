"""Registers the methods of post-processing; one that lacks a part fails when it is imported."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from expert.deps import ExpertWork
from expert.operations.state import Document
from expert.postprocessing.queries_selection import Row, Selection
from expert.postprocessing.state import Decision, MethodKey, RunScope, ScopeKind
from trapper_kit.db import Session


class MethodConfig(BaseModel):
    """The settings of a method: unknown keys are refused, and ranges stand only here."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Plan(Protocol):
    """A method with its settings, checked and ready for the observations of one project."""

    @property
    def selection(self) -> Selection: ...
    @property
    def labels(self) -> int:
        """Numbers per row that it reads; 0 without logits."""
        ...

    @property
    def facts(self) -> Document:
        """What the report says about the settings: kept labels, say."""
        ...

    async def decide(self, work: ExpertWork, db: Session, rows: Sequence[Row]) -> list[Decision]:
        """A decision for each observation, in order."""
        ...


Prepare = Callable[[Session, UUID, RunScope, Document], Awaitable[Plan]]
"""Checks the settings against a project; raises a Problem before any row is touched."""


@dataclass(frozen=True)
class Method:
    """A kind of post-processing."""

    key: MethodKey
    name: str
    about: str
    config: type[MethodConfig]
    scopes: frozenset[ScopeKind]
    prepare: Prepare


METHODS: dict[MethodKey, Method] = {}
"""Every method by its key."""


def register(method: Method) -> Method:
    """The method, which is registered under its key."""
    if method.key in METHODS:
        raise ValueError(f"the method {method.key} is registered twice")
    METHODS[method.key] = method
    return method
