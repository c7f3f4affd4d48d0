"""Asks for AI on what has none yet, and waits until every job of the folder has ended."""

import time
from dataclasses import dataclass, field

from trapper_cli.runs.progress import Counter, counting
from trapper_cli.runs.workspace import Workspace
from trapper_client.client import TrapperClient
from trapper_client.errors import Failure
from trapper_client.replies import Job

POLL_SECONDS = 0.5
STALL_SECONDS = 1800.0
_HINT = "See: trapper status, trapper doctor. The same command goes on where this one stopped."


class _Patience:
    """Ends the wait when nothing has moved for a long time, instead of waiting for ever."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._seen: object = None
        self._until = time.monotonic() + STALL_SECONDS

    def wait(self, seen: object) -> None:
        now = time.monotonic()
        if seen != self._seen:
            self._seen, self._until = seen, now + STALL_SECONDS
        elif now > self._until:
            raise Failure(f"{self._what}: nothing has moved for {STALL_SECONDS / 60:.0f} minutes.", hint=_HINT)
        time.sleep(POLL_SECONDS)


@dataclass
class Followed:
    """The jobs of this run by id, as last seen."""

    jobs: dict[str, Job] = field(default_factory=dict[str, Job])

    @property
    def broken(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.stage in {"failed", "cancelled"}]


def wait_until_described(expert: TrapperClient, workspace: Workspace, *, quiet: bool) -> None:
    """Waits until the service has looked into every file that it holds of this folder."""
    patience = _Patience("Reading the photos")
    counts = expert.collection_counts(workspace.collection_id)
    with counting("Reading", counts.stored, quiet=quiet) as counter:
        begun = counts.stored
        while counts.stored:
            patience.wait(counts)
            counts = expert.collection_counts(workspace.collection_id)
            counter.at(max(begun - counts.stored, 0))


def run_ai(expert: TrapperClient, workspace: Workspace, *, quiet: bool) -> Followed:
    """Every photo without a result of the project's present models gets one chance in this run.

    Jobs that are under way (the service submits new photos by itself) are waited for first; then what is still
    missing is asked for, again only as long as each round leaves less than the one before.
    """
    followed = Followed()
    patience = _Patience("The AI jobs")
    before: int | None = None
    missing = _ask(expert, workspace, followed)
    _look(expert, workspace, followed)
    with counting("Looking", _ended_and_total(followed)[1], quiet=quiet) as counter:
        while True:
            _look(expert, workspace, followed)
            _count(counter, followed)
            if any(not job.is_closed for job in followed.jobs.values()):
                patience.wait({job.id: (job.stage, job.ended) for job in followed.jobs.values()})
                continue
            if followed.broken:
                return followed
            missing = _missing(expert, workspace)
            if missing == 0 or (before is not None and missing >= before):
                return followed
            before = missing
            _ask(expert, workspace, followed)


def _missing(expert: TrapperClient, workspace: Workspace) -> int:
    return expert.ask_for_ai(**_request(workspace), dry_run=True).resources


def _ask(expert: TrapperClient, workspace: Workspace, followed: Followed) -> int:
    if (missing := _missing(expert, workspace)) == 0:
        return 0
    asked = expert.ask_for_ai(**_request(workspace), dry_run=False)
    if asked.job is not None:
        job = Job.model_validate(asked.job)
        followed.jobs[job.id] = job
    return missing


def _request(workspace: Workspace) -> dict[str, object]:
    return {
        "classification_project_id": workspace.project_id,
        "linked_collection_id": workspace.linked_collection_id,
        "missing_only": True,
        "interactive": True,
    }


def _look(expert: TrapperClient, workspace: Workspace, followed: Followed) -> None:
    """Refreshes the jobs of this run; every open job of the folder belongs to it."""
    for job in expert.jobs(linked_collection_id=workspace.linked_collection_id):
        if job.id in followed.jobs or not job.is_closed:
            followed.jobs[job.id] = job


def _count(counter: Counter, followed: Followed) -> None:
    ended, total = _ended_and_total(followed)
    counter.at(ended, total)


def _ended_and_total(followed: Followed) -> tuple[int, int]:
    return sum(job.ended for job in followed.jobs.values()), sum(job.total for job in followed.jobs.values())
