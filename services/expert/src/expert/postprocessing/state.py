"""Methods, scopes, and what a method decides about an observation."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from expert.observations.state import ObservationType

RUN = "postprocessing.run"
UNDO = "postprocessing.undo"
PARAMETER = "method"
"""The parameter of an output algorithm that names its method."""
TOLERANCE = 2e-5
"""Scores this close are equal; those of models come in steps of 1/65535."""


class MethodKey(StrEnum):
    """The methods, by the names that people and scripts use."""

    CLASS_MASKING = "class_masking"
    RANK_ROLLUP = "rank_rollup"
    SMALL_SIZE_FILTER = "small_size_filter"


class ScopeKind(StrEnum):
    """What a run looks at."""

    PROJECT = "classification_project_id"
    LINKED_COLLECTION = "linked_collection_id"
    SEQUENCES = "sequence_ids"
    OCCURRENCE = "occurrence_id"
    RESOURCES = "resource_ids"
    JOB = "job_id"


class SkipReason(StrEnum):
    """Why an observation is left as it is, although it is in scope."""

    APPROVED = "approved"
    FORKED = "forked"
    IDENTIFIED = "identified"
    CHANGED_MEANWHILE = "changed_meanwhile"
    NOT_TERMINAL = "not_terminal"
    NO_LOGITS = "no_logits"
    UNREADABLE = "unreadable_logits"
    WRONG_LENGTH = "wrong_length"
    NOT_FINITE = "not_finite"
    NO_WINNER = "no_winner"
    NO_BOX = "no_box"


class RunScope(BaseModel):
    """Exactly one of the fields; resources are named with their linked collection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    classification_project_id: UUID | None = Field(default=None, description="every photo of the project")
    linked_collection_id: UUID | None = None
    sequence_ids: tuple[UUID, ...] | None = Field(
        default=None, min_length=1, max_length=500, description="sequences of one project"
    )
    occurrence_id: UUID | None = None
    resource_ids: tuple[UUID, ...] | None = Field(
        default=None, min_length=1, max_length=1000, description="together with linked_collection_id"
    )
    job_id: UUID | None = Field(default=None, description="the photos whose results an AI job brought")

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        given = [kind for kind in ScopeKind if getattr(self, kind.value) is not None]
        if ScopeKind.RESOURCES in given and ScopeKind.LINKED_COLLECTION in given:
            given.remove(ScopeKind.LINKED_COLLECTION)
        if given == [ScopeKind.RESOURCES] and self.linked_collection_id is None:
            raise ValueError("name the linked_collection_id that the resources are of")
        if len(given) != 1:
            raise ValueError(f"give exactly one scope, of {', '.join(ScopeKind)}: {len(given)} are given")
        return self

    @property
    def kind(self) -> ScopeKind:
        """Which of the scopes it is."""
        if self.resource_ids is not None:
            return ScopeKind.RESOURCES
        return next(kind for kind in ScopeKind if getattr(self, kind.value) is not None)


class RunReport(BaseModel):
    """What a run changed: the most frequent pairs of labels with their counts, and the first examples."""

    facts: dict[str, JsonValue] = Field(default_factory=dict)
    pairs: list[tuple[str, str, int]] = Field(default_factory=list)
    examples: list[dict[str, str]] = Field(default_factory=list)


class Outcome(StrEnum):
    """What becomes of an observation."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    RESTORED = "restored"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Verdict:
    """What a method says about an observation: a prediction that will be terminal."""

    algorithm_id: UUID
    applied_to_id: UUID
    label: str
    taxon_id: UUID | None
    score: float
    top_k: Sequence[dict[str, object]]
    rule: str | None = None
    observation_type: ObservationType | None = None
    """Given by a method that changes it."""


@dataclass(frozen=True)
class Present:
    """A prediction that is there: the source of a method."""

    id: UUID
    label: str
    taxon_id: UUID | None
    score: float


@dataclass(frozen=True)
class Decision:
    """The outcome of an observation: the verdict that counts, the source that counts again, or why it is skipped."""

    outcome: Outcome
    reason: SkipReason | None = None
    verdict: Verdict | None = None
    restored: Present | None = None


UNCHANGED = Decision(Outcome.UNCHANGED)


def skipped(reason: SkipReason) -> Decision:
    """The decision to leave an observation as it is."""
    return Decision(Outcome.SKIPPED, reason)


def back_to(source: Present, terminal_id: UUID) -> Decision:
    """The decision that the source counts: again, or unchanged where it does."""
    return UNCHANGED if source.id == terminal_id else Decision(Outcome.RESTORED, restored=source)
