"""Requests AI jobs page by page while photos are uploaded, and waits until every job of the folder has ended."""

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from trapper_cli.runs.choose_models import Choice
from trapper_cli.runs.names import sentence
from trapper_cli.runs.progress import Counter, counting
from trapper_cli.runs.workspace import Workspace
from trapper_client.client import TrapperClient
from trapper_client.contract import JobReply, JobStage, NewJob, NewJobReply, OperationState
from trapper_client.derived import OPEN_STAGES, ended_resources, is_closed
from trapper_client.errors import Failure

POLL_SECONDS = 0.25
STALL_SECONDS = 1800.0
_FIRST_PAGE_SECONDS, _LONGEST_PAGE_SECONDS = 0.5, 16.0
"""Photos of so many seconds become a job; the time doubles, so that a large folder has few jobs and starts at once."""
_EVENTS_SECONDS = 30.0
_HINT = "See: trapper status, trapper doctor. The same command continues where this one stopped."


class _StallLimit:
    """Ends the wait when nothing has moved for a long time, instead of waiting for ever."""

    def __init__(self, work: str) -> None:
        self._work = work
        self._last: object = None
        self._until = time.monotonic() + STALL_SECONDS

    def wait(self, present: object) -> None:
        now = time.monotonic()
        if present != self._last:
            self._last, self._until = present, now + STALL_SECONDS
        elif now > self._until:
            raise Failure(f"{self._work}: no progress for {STALL_SECONDS / 60:.0f} minutes.", hint=_HINT)
        time.sleep(POLL_SECONDS)


@dataclass
class FollowedJobs:
    """The jobs of this run by id, as last read; `requested` are those that this run requested."""

    jobs: dict[str, JobReply] = field(default_factory=dict[str, JobReply])
    requested: set[str] = field(default_factory=set[str])

    def add(self, job: JobReply) -> None:
        self.jobs[job.id] = job
        self.requested.add(job.id)

    @property
    def broken(self) -> JobReply | None:
        """A requested job that failed as a whole; those of other runs are not this run's failures."""
        return next(
            (self.jobs[key] for key in self.requested if self.jobs[key].stage in {JobStage.FAILED, JobStage.CANCELLED}),
            None,
        )


class JobRunner:
    """The AI jobs of one run: its models go with each job as overrides, whatever the project's settings are.

    `photos` shows how many of the folder's photos the AI has looked at, `uploads` counts the files sent so far.
    """

    def __init__(
        self,
        expert: TrapperClient,
        workspace: Workspace,
        choice: Choice,
        *,
        photos: Counter,
        uploads: Counter,
        quiet: bool,
    ) -> None:
        self._expert = expert
        self._workspace = workspace
        self._choice = choice
        self._photos = photos
        self._uploads = uploads
        self._quiet = quiet
        self._followed = FollowedJobs()
        self._closed_before = {job.id for job in self._jobs() if is_closed(job)}
        self._page_seconds = _FIRST_PAGE_SECONDS
        self._next_page_at = 0.0
        self._problem: Exception | None = None

    def check(self) -> None:
        """Raises what ended the thread of `requesting`."""
        if self._problem is not None:
            raise self._problem

    @contextmanager
    def requesting(self) -> Generator[None]:
        """Requests jobs on a thread for what is described so far, so that the AI works while the upload goes on."""
        stopped = threading.Event()
        thread = threading.Thread(target=self._request_until, args=(stopped,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
        thread.join()
        self.check()

    def _request_until(self, stopped: threading.Event) -> None:
        try:
            while not stopped.wait(POLL_SECONDS):
                self._look()
                self._request_page()
                self._show(f"uploading, {self._uploads.done} of {self._uploads.total}")
        except Exception as problem:  # noqa: BLE001 - raised again by the thread that uploads
            self._problem = problem

    def finish(self) -> None:
        """Gives every photo without a result of the chosen models one chance; raises Failure when a job failed.

        Jobs that are under way are waited for too; then what is still missing is requested, again only as long as each
        round leaves less than the one before.
        """
        self._wait_until_described()
        before: int | None = None
        while True:
            missing = self._request_missing(dry_run=True).resources
            if missing and (before is None or missing < before):
                self._add(self._followed, self._request_missing(dry_run=False))
            elif not self._open_jobs():
                break
            before = missing or before
            self._wait(self._followed)
        self._photos.at(self._photos.total)

    def _wait_until_described(self) -> None:
        """Waits until the service has read every file of this folder, and requests jobs for pages meanwhile."""
        limit = _StallLimit("Reading metadata")
        while (counts := self._expert.collection_counts(self._workspace.collection_id)).stored:
            self._look()
            self._request_page()
            self._show(f"reading {counts.stored} files")
            limit.wait((counts, self._state()))

    def _request_page(self) -> None:
        """Requests a job for what is described, when it is time for the next page or the jobs so far have ended."""
        now = time.monotonic()
        if now < self._next_page_at and not all(is_closed(job) for job in self._followed.jobs.values()):
            return
        reply = self._request_missing(dry_run=False)
        if reply.resources:
            self._add(self._followed, reply)
            self._next_page_at = now + self._page_seconds
            self._page_seconds = min(2 * self._page_seconds, _LONGEST_PAGE_SECONDS)

    def run_again(self, resource_ids: Sequence[str]) -> None:
        """Looks at these once more, because their present results stem from other models than the chosen ones."""
        self._followed = FollowedJobs()
        with counting("Looking again", len(resource_ids), quiet=self._quiet) as self._photos:
            again = self._job().model_copy(update={"resource_ids": list(resource_ids)})
            self._add(self._followed, self._expert.request_ai(again))
            self._wait(self._followed)

    def count_events(self) -> int | None:
        """How many sequences the photos make; None when that is not known after some seconds."""
        until = time.monotonic() + _EVENTS_SECONDS
        while True:
            counts = self._expert.sequence_counts(self._workspace.linked_collection_id)
            if counts.is_built and not counts.pending:
                return counts.sequences
            if time.monotonic() > until:
                return None
            time.sleep(POLL_SECONDS)

    def looked_at(self) -> int:
        """How many photos the AI has looked at since this run began."""
        return sum(job.done + job.blank for job in self._jobs() if job.id not in self._closed_before)

    def _request_missing(self, *, dry_run: bool) -> NewJobReply:
        return self._expert.request_ai(self._job().model_copy(update={"missing_only": True, "dry_run": dry_run}))

    def _add(self, followed: FollowedJobs, reply: NewJobReply) -> None:
        """Follows the job of a reply, or every job that its operation makes."""
        if reply.job is not None:
            followed.add(reply.job)
        if reply.operation_id is None:
            return
        limit = _StallLimit("Making the AI jobs")
        operation = self._expert.operation(reply.operation_id)
        while operation.state in {OperationState.WAITING, OperationState.RUNNING}:
            limit.wait(operation.done)
            operation = self._expert.operation(reply.operation_id)
        if operation.state is not OperationState.FINISHED:
            raise Failure(
                f"The AI jobs could not be made: {sentence(operation.error or 'it was cancelled')}", hint=_HINT
            )
        for job in self._jobs():
            if job.operation_id == operation.id:
                followed.add(job)

    def _job(self) -> NewJob:
        """A job over the whole folder."""
        return NewJob(
            classification_project_id=self._workspace.project_id,
            linked_collection_id=self._workspace.linked_collection_id,
            overrides=self._choice.overrides(),
            interactive=True,
        )

    def _jobs(self) -> list[JobReply]:
        return list(self._expert.jobs(linked_collection_id=[self._workspace.linked_collection_id]))

    def _open_jobs(self) -> list[JobReply]:
        return list(
            self._expert.jobs(linked_collection_id=[self._workspace.linked_collection_id], stage=list(OPEN_STAGES))
        )

    def _wait(self, followed: FollowedJobs) -> None:
        """Waits until every job of this run, and every other open one of the folder, has ended."""
        limit = _StallLimit("The AI jobs")
        while True:
            self._look()
            if all(is_closed(job) for job in followed.jobs.values()):
                return
            self._show("")
            limit.wait(self._state())

    def _look(self) -> None:
        """Reads the jobs that were open, and every other open one of the folder; raises Failure when one is broken."""
        followed = self._followed
        opened = {job.id: job for job in self._open_jobs()}
        ended = [key for key, job in followed.jobs.items() if key not in opened and not is_closed(job)]
        followed.jobs |= opened | {key: self._expert.job(key) for key in ended}
        if (broken := followed.broken) is not None:
            reason = sentence(broken.error or "no reason was given")
            raise Failure(
                f"The AI job {broken.id} ended as {broken.stage}: {reason}",
                hint="Run the same command again to continue; results that exist are kept.",
            )

    def _state(self) -> object:
        """What changes while something moves."""
        return {key: (job.stage, ended_resources(job), job.progress) for key, job in self._followed.jobs.items()}

    def _show(self, waits_for: str) -> None:
        """Shows the photos that the jobs are done with; `waits_for` is what goes on before the AI can see the rest."""
        jobs = self._followed.jobs.values()
        blocked = next((job.blocked.message for job in jobs if job.blocked is not None and not is_closed(job)), "")
        ended = sum(ended_resources(job) for job in jobs)
        left = sum(job.total for job in jobs) - ended
        self._photos.waits_for = blocked or waits_for
        self._photos.at(ended if waits_for else max(self._photos.total - left, ended))
