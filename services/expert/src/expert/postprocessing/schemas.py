"""Bodies of post-processing."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from expert.algorithms.state import AlgorithmSummary
from expert.operations.state import OperationState
from expert.postprocessing.state import MethodKey, RunScope, ScopeKind
from trapper_schemas.base import Reply, Request


class MethodReply(Reply):
    """A kind of post-processing."""

    key: MethodKey
    name: str
    about: str = Field(description="what it does, in one sentence")
    scopes: list[ScopeKind] = Field(description="what a run of it can look at")
    config_schema: dict[str, object] = Field(description="JSON Schema of its settings, with ranges and defaults")


class MethodsReply(Reply):
    """Every method."""

    items: list[MethodReply]


class OptionsReply(MethodReply):
    """What can be chosen for a run in one scope."""

    classification_project_id: UUID
    algorithms: list[AlgorithmSummary] = Field(
        description="source algorithms that ran on the occurrence, resources or sequences; of the project otherwise"
    )


class DryRunRequest(Request):
    """A scope and the settings of the method."""

    scope: RunScope
    config: dict[str, object] = Field(default_factory=dict)


class RunRequest(DryRunRequest):
    """A scope and the settings of a run."""

    dry_run: bool = Field(default=False, description="run over everything, and change nothing")
    confirmed_rows: int | None = Field(
        default=None, ge=0, description="number of observations, needed for a whole project; a dry run tells it"
    )


class PairReply(Reply):
    """How often one label became another."""

    before: str
    after: str
    count: int = Field(description="observations, from 1")


class ExampleReply(Reply):
    """An observation that changes."""

    observation_id: UUID
    before: str
    after: str


class ReportReply(Reply):
    """What a run changed, or would change."""

    counters: dict[str, int] = Field(
        description="observations by what became of them, and changed determinations of occurrences"
    )
    facts: dict[str, object] = Field(description="what follows from the settings, as the number of kept labels")
    pairs: list[PairReply] = Field(description="the most frequent first")
    examples: list[ExampleReply] = Field(description="the first ones")


class DryRunReply(ReportReply):
    """What a run would change now; nothing was written."""

    total: int = Field(description="observations in scope, from 0")


class StartedRun(Reply):
    """The operation that does the work."""

    operation_id: UUID


class RunReply(Reply):
    """A run, with how far its operation is."""

    id: UUID = Field(description="that of its operation, too")
    classification_project_id: UUID
    method: MethodKey
    config: dict[str, object]
    scope: RunScope
    dry_run: bool
    state: OperationState
    total: int = Field(description="observations in scope, from 0")
    done: int = Field(description="observations that were looked at, from 0")
    error: str | None
    created_by: UUID | None = Field(description="null when a setting of the project started it")
    created_at: datetime
    ended_at: datetime | None
    undone_at: datetime | None
    undone_by_id: UUID | None = Field(description="the operation that undid it")


class RunDetail(RunReply):
    """A run with its report."""

    report: ReportReply


class UndoRequest(Request):
    """Whether later runs on the same observations are undone, too."""

    cascade: bool = Field(default=False, description="undo later runs on the same observations first")
