"""`trapper jobs`: what the AI was asked, and how far it is."""

import time
from typing import Annotated

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.find import find_project
from trapper_client.errors import Failure
from trapper_client.output import Json, answer, say, table
from trapper_client.replies import Job
from trapper_client.stack import connect

group = typer.Typer(help="Jobs: what the AI was asked, and how far it is.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.", show_default=False)]
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0


@group.command("list")
def list_jobs(
    *,
    project: Annotated[str | None, typer.Option(help="Name or slug of a classification project.")] = None,
    as_json: Json = False,
) -> None:
    """Lists jobs, of one project or of all."""
    with connect() as expert:
        chosen = find_project(expert, project).id if project else None
        jobs = list(expert.jobs(classification_project_id=chosen))
    if as_json:
        answer([job.model_dump(mode="json") for job in jobs])
        return
    rows = ((job.id, job.stage, job.total, job.done, job.blank, job.failed, job.error) for job in jobs)
    table(("job", "stage", "photos", "done", "blank", "failed", "error"), rows, empty="No job yet.")


@group.command("watch")
def watch(job_id: JobId, *, as_json: Json = False) -> None:
    """Follows a job to its end; exit code 1 when it failed or was cancelled."""
    with connect(patience=_PATIENCE_SECONDS) as expert:
        job = _follow(expert, job_id, quiet=as_json)
    if as_json:
        answer(job.model_dump(mode="json"))
    if job.stage == "finished":
        return
    if as_json:
        raise typer.Exit(1)  # the document says how it ended, and there is only one
    raise Failure(f"The job {job.id} ended as {job.stage}: {job.error or 'no reason was given'}.")


@group.command("cancel")
def cancel(job_id: JobId, *, as_json: Json = False) -> None:
    """Stops a job; what was seen already stays."""
    with connect() as expert:
        job = expert.cancel_job(job_id)
    if as_json:
        answer(job.model_dump(mode="json"))
    else:
        say(f"Job {job.id}: {job.stage}.")


@group.command("retry")
def retry(
    job_id: JobId,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All its photos, not only those that failed.")] = False,
    as_json: Json = False,
) -> None:
    """Asks again for the photos of a job that failed, under the project's settings of today."""
    with connect() as expert:
        asked = expert.rerun_job(job_id, failed_only=not everything)
    if as_json:
        answer(asked.model_dump(mode="json"))
    elif asked.job is None:
        say("There is nothing to do: none of its photos failed.")
    else:
        say(f"Job {asked.job.id} takes {asked.resources} photo(s). Follow it: trapper jobs watch {asked.job.id}")


def _follow(expert: TrapperClient, job_id: str, *, quiet: bool) -> Job:
    told = ""
    while True:
        job = expert.job(job_id)
        line = f"{job.stage}: {job.ended} of {job.total}, {job.failed} failed"
        if line != told and not quiet:
            say(line)
        told = line
        if job.is_closed:
            return job
        time.sleep(_POLL_SECONDS)
