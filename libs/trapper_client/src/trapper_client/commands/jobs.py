"""`trapper jobs`: AI jobs and their progress."""

import time
from typing import Annotated

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.complete import complete_job
from trapper_client.commands.find import find_project
from trapper_client.commands.rows import ProjectFilter
from trapper_client.contract import JobReply, JobRerun, JobStage, StageAfterIngest
from trapper_client.derived import ended_resources, is_closed
from trapper_client.errors import Failure
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

group = typer.Typer(help="Jobs: AI jobs and their progress.", no_args_is_help=True)

JobId = Annotated[
    str, typer.Argument(metavar="JOB", help="The job's id.", autocompletion=complete_job, show_default=False)
]
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0


@group.command("list")
def list_jobs(
    *,
    project: ProjectFilter = None,
    as_json: Json = False,
) -> None:
    """Lists jobs of one project or of all, newest first."""
    with connect() as expert:
        chosen = find_project(expert, project).id if project else None
        jobs = list(expert.jobs(classification_project_id=[chosen] if chosen else None))
    if as_json:
        answer({"items": [job.model_dump(mode="json") for job in jobs]})
        return
    rows = ((job.id, job.stage, job.total, job.done, job.blank, job.failed, _reason(job)) for job in jobs)
    table(("Job", "Stage", "Photos", "Done", "Blank", "Failed", "Reason"), rows, empty="There is no job yet.")


@group.command("watch")
def watch(job_id: JobId, *, as_json: Json = False) -> None:
    """Follows a job to its end; exit code 1 when it failed or was cancelled."""
    with connect(patience=_PATIENCE_SECONDS) as expert:
        job = _follow(expert, job_id, quiet=as_json)
    if as_json:
        answer(job.model_dump(mode="json"))
    if job.stage is JobStage.FINISHED:
        return
    if as_json:
        raise typer.Exit(1)  # the document says how it ended, and there is only one
    raise Failure(f"The job {job.id} ended as {job.stage}: {job.error or 'no reason was given'}.")


@group.command("show")
def show(job_id: JobId, *, as_json: Json = False) -> None:
    """Shows one job, and what follows its results: each stage after ingest with its progress."""
    with connect() as expert:
        job = expert.job(job_id)
    if as_json:
        answer(job.model_dump(mode="json"))
        return
    say(f"Job {job.id}: {job.stage}, {ended_resources(job)} of {job.total}, {job.failed} failed")
    if (reason := _reason(job)) is not None:
        say(reason)
    rows = (
        (stage.stage, stage.state, f"{stage.done} of {stage.total}", stage.attempt, stage.operation_id, stage.error)
        for stage in job.after_ingest
    )
    columns = ("Stage after ingest", "State", "Photos", "Attempts", "Operation", "Error")
    table(columns, rows, empty="No stage follows its results yet.")


@group.command("run-stage")
def run_stage(
    job_id: JobId,
    stage: Annotated[StageAfterIngest, typer.Argument(help="The stage's name.", show_default=False)],
    *,
    as_json: Json = False,
) -> None:
    """Runs one stage after ingest of a finished job again, alone."""
    with connect() as expert:
        job = expert.rerun_stage(job_id, stage)
    if as_json:
        answer(job.model_dump(mode="json"))
        return
    operation = next(each.operation_id for each in job.after_ingest if each.stage is stage)
    say(f"It runs again. Follow it: trapper operations watch {operation}")


@group.command("cancel")
def cancel(job_id: JobId, *, as_json: Json = False) -> None:
    """Cancels a job; results that exist are kept."""
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
    """Makes a new job of a job's photos that failed: with its models, and the project's present settings otherwise."""
    with connect() as expert:
        reply = expert.rerun_job(job_id, JobRerun(failed_only=not everything))
    if as_json:
        answer(reply.model_dump(mode="json"))
    elif reply.operation_id is not None:
        say(f"{reply.resources} photo(s) take several jobs. Follow them: trapper operations watch {reply.operation_id}")
    elif reply.job is None:
        say("There is nothing to do: none of its photos failed.")
    else:
        say(f"Job {reply.job.id} has {reply.resources} photo(s). Follow it: trapper jobs watch {reply.job.id}")


def _reason(job: JobReply) -> str | None:
    """Why a job failed, or what keeps it waiting and what to do about it."""
    return f"{job.blocked.message} {job.blocked.what_to_do}" if job.blocked is not None else job.error


def _follow(expert: TrapperClient, job_id: str, *, quiet: bool) -> JobReply:
    shown = ""
    while True:
        job = expert.job(job_id)
        line = f"{job.stage}: {ended_resources(job)} of {job.total}, {job.failed} failed"
        if line != shown and not quiet:
            say(line)
        shown = line
        if is_closed(job):
            return job
        time.sleep(_POLL_SECONDS)
