"""Refusals about post-processing."""

from trapper_kit.problems import Problem


class ScopeRefused(Problem):
    """Raised with the ids that do not belong to the run's project."""

    type = "scope-refused"
    title = "The scope names rows that do not exist or belong to another project"
    status = 422


class MethodRefused(Problem):
    type = "method-refused"
    title = "The method cannot run with these settings"
    status = 422


class ScopeUnconfirmed(Problem):
    """Raised with `rows`, their number."""

    type = "scope-unconfirmed"
    title = "A whole project is run only when the number of its observations is confirmed"
    status = 409


class RunInProgress(Problem):
    """Raised with `operation_id` of the other run."""

    type = "run-in-progress"
    title = "Another run of post-processing in this project has not ended"
    status = 409


class TooManyRows(Problem):
    type = "too-many-rows"
    title = "The scope is too large for a dry run in one request; start a run with dry_run"
    status = 422


class RunNotUndoable(Problem):
    """Raised with `run_ids` of the later runs, where there are any."""

    type = "run-not-undoable"
    title = "The run cannot be undone now"
    status = 409
