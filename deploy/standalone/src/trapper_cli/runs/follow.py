"""Asks for AI on what has none yet, and waits until every job of the folder has ended."""

import time
from dataclasses import dataclass, field

from trapper_cli.runs.progress import Counter, counting
from trapper_cli.runs.workspace import Workspace
from trapper_client.client import TrapperClient
from trapper_client.errors import Failure
from trapper_client.replies import OPEN_STAGES, Asked, Job

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

    Jobs that are under way (the service submits new photos by itself) are waited for too; then what is still
    missing is asked for, again only as long as each round leaves less than the one before.
    """
    followed = Followed()
    before: int | None = None
    with counting("Looking", 0, quiet=quiet) as counter:
        while True:
            missing = expert.ask_for_ai(**_request(workspace), dry_run=True).resources
            if missing and (before is None or missing < before):
                _note(followed, expert.ask_for_ai(**_request(workspace), dry_run=False))
            elif not _open_jobs(expert, workspace):
                return followed
            before = missing or before
            _wait(expert, workspace, followed, counter)
            if followed.broken:
                return followed


def run_ai_again(expert: TrapperClient, workspace: Workspace, resource_ids: list[str], *, quiet: bool) -> Followed:
    """Looks at these once more, because what is known of them stems from other models than those that were asked."""
    followed = Followed()
    request = {
        "classification_project_id": workspace.project_id,
        "linked_collection_id": workspace.linked_collection_id,
        "resource_ids": resource_ids,
        "interactive": True,
    }
    with counting("Looking again", len(resource_ids), quiet=quiet) as counter:
        _note(followed, expert.ask_for_ai(**request))
        _wait(expert, workspace, followed, counter)
    return followed


def _request(workspace: Workspace) -> dict[str, object]:
    return {
        "classification_project_id": workspace.project_id,
        "linked_collection_id": workspace.linked_collection_id,
        "missing_only": True,
        "interactive": True,
    }


def _note(followed: Followed, asked: Asked) -> None:
    if asked.job is not None:
        followed.jobs[asked.job.id] = asked.job


def _open_jobs(expert: TrapperClient, workspace: Workspace) -> list[Job]:
    return list(expert.jobs(linked_collection_id=workspace.linked_collection_id, state=OPEN_STAGES))


def _wait(expert: TrapperClient, workspace: Workspace, followed: Followed, counter: Counter) -> None:
    """Until every job of this run, and every other open one of the folder, has ended."""
    patience = _Patience("The AI jobs")
    while True:
        opened = {job.id: job for job in _open_jobs(expert, workspace)}
        ended = [job_id for job_id, job in followed.jobs.items() if job_id not in opened and not job.is_closed]
        followed.jobs |= opened | {job_id: expert.job(job_id) for job_id in ended}
        jobs = followed.jobs.values()
        counter.at(sum(job.ended for job in jobs), sum(job.total for job in jobs))
        if all(job.is_closed for job in jobs):
            return
        patience.wait({job.id: (job.stage, job.ended, job.progress) for job in jobs})
