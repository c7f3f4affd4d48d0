"""`trapper run FOLDER`: photos in, a table of what was seen and the requested files out."""

from collections.abc import Sequence
from pathlib import Path

import typer

from trapper_cli.manager_command import sign_in_link
from trapper_cli.running import ensure_stack, stack_runs, stop_stack
from trapper_cli.runs.choose_models import AUTO, Choice
from trapper_cli.runs.gather import models_used
from trapper_cli.runs.offer_detector import may_ask
from trapper_cli.runs.options import (
    CsvBom,
    DeploymentName,
    DeploymentsFrom,
    Detector,
    DryRun,
    Folder,
    Once,
    Out,
    Overwrite,
    ReadTimeout,
    SequenceInterval,
    Species,
)
from trapper_cli.runs.outputs import Output, check_collection, check_outputs
from trapper_cli.runs.plan import DeploymentRule, show_plan
from trapper_cli.runs.report import Report
from trapper_cli.runs.visits import Visit
from trapper_cli.runs.work import FolderContent, RunOptions, present_visit, read_folder, run_folder
from trapper_cli.runs.workspace import find_project
from trapper_cli.runs.write_csv import observations_csv
from trapper_cli.runs.write_file import write_whole
from trapper_cli.runs.write_md_json import md_json
from trapper_client.client import TrapperClient
from trapper_client.commands.find import RUN_PROJECT
from trapper_client.errors import Failure, WrongUsage
from trapper_client.output import Json, answer, say, tell
from trapper_client.stack import connect

_PATIENCE_SECONDS = 90.0


def register(app: typer.Typer) -> None:
    """Called by `trapper` through the entry point."""
    app.command("run")(run)


def run(
    folder: Folder,
    *,
    detector: Detector = AUTO,
    species: Species = AUTO,
    out: Out = None,
    overwrite: Overwrite = False,
    csv_bom: CsvBom = False,
    deployment: DeploymentName = None,
    deployments_from: DeploymentsFrom = None,
    sequence_interval: SequenceInterval = 120,
    read_timeout: ReadTimeout = 120.0,
    dry_run: DryRun = False,
    once: Once = False,
    as_json: Json = False,
) -> None:
    """Detects and classifies what is on every photo of a folder. Run again, it continues and repeats nothing.

    Each folder with photos is one deployment; folders that a camera makes by itself (100RECNX, 101RECNX) belong to the
    folder above them. Exit codes: 0 the result is whole (photos may have failed), 1 no photo was looked at or a job
    failed, 2 wrong usage, 3 the input could be read only in part.

    Example: trapper run ~/sdcard --out results.json
    """
    if deployment is not None and deployments_from is not None:
        raise WrongUsage("--deployment and --deployments-from contradict each other.", hint="Give one of them.")
    if deployment is not None and not deployment.strip():
        raise WrongUsage("--deployment needs a name.")
    outputs = check_outputs(out or [], overwrite=overwrite)
    place = _check_folder(folder)
    options = RunOptions(
        place,
        detector,
        species,
        sequence_interval,
        DeploymentRule(None if deployment is None else deployment.strip(), deployments_from),
        read_timeout,
        quiet=as_json,
        may_offer=may_ask(place, once=once, as_json=as_json),
    )
    content = read_folder(options)
    if dry_run:
        _dry_run(options, content, as_json=as_json)
        return
    report, choice, address, started = _work(options, content, outputs, csv_bom=csv_bom, once=once)
    if as_json:
        models = {"detector": choice.detector.name, "species_model": choice.species.name if choice.species else None}
        problem = {} if report.problem is None else {"error": report.problem}
        left = {"url": address, "project": RUN_PROJECT, "stack_left": started and not once}
        answer({"ok": report.exit_code == 0, **problem, **models, **report.document(), **left})
    else:
        _show(report, choice, address, started=started, keep=not once)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _work(
    options: RunOptions, content: FolderContent, outputs: Sequence[Output], *, csv_bom: bool, once: bool
) -> tuple[Report, Choice, str, bool]:
    """The report, the models, the Expert's address, and whether the stack was started here."""
    started = ensure_stack()
    keep = False

    def check_visit(visit: Visit) -> None:
        check_collection(outputs, visit.name)

    try:
        with connect(patience=_PATIENCE_SECONDS) as expert:
            report, choice = run_folder(expert, options, content, check_visit)
            _write(expert, report, choice, outputs, csv_bom=csv_bom)
            keep = not once
            return report, choice, expert.base_url, started
    except KeyboardInterrupt:
        tell("Interrupted. The same command continues where this one stopped.")
        raise
    except Exception:
        keep = not once
        raise
    finally:
        if started and not keep:
            stop_stack()


def _write(expert: TrapperClient, report: Report, choice: Choice, outputs: Sequence[Output], *, csv_bom: bool) -> None:
    for output in outputs:
        if not report.result.looked_at and output.target.exists() and output.target.stat().st_size:
            tell(f"{output.given} was left as it is, because no photo was looked at.")
        elif output.is_csv:
            write_whole(output.target, observations_csv(report.result, byte_order_mark=csv_bom))
            tell(f"Written: {output.given}")
        else:
            write_whole(output.target, md_json(report.result, *models_used(expert, choice)))
            tell(f"Written: {output.given}")


def _dry_run(options: RunOptions, content: FolderContent, *, as_json: bool) -> None:
    """The plan; where a stack runs already, also which visit to the folder it is."""
    visit = None
    if stack_runs():
        with connect() as expert:
            visit = present_visit(expert, find_project(expert), options, content)
    failures = [{"file": each.relative, "reason": each.reason} for each in content.failures]
    is_partial = any(each.is_unread for each in content.failures)
    if as_json:
        answer(
            {
                "ok": not is_partial,
                "dry_run": True,
                "visit": visit and visit.number,
                "deployments": [each.document() for each in content.planned],
                "photos": len(content.scan.photos),
                "failures": failures,
                "input_complete": not is_partial,
                "ignored": content.scan.ignored,
            }
        )
    else:
        for each in content.failures:
            tell(f"{each.relative}: {each.reason}")
        show_plan(content.planned)
        say("Nothing was sent (--dry-run).")
    if is_partial:
        raise typer.Exit(3)


def _show(report: Report, choice: Choice, address: str, *, started: bool, keep: bool) -> None:
    say()
    report.show()
    say()
    say(f"Detector {choice.detector.name}, species {choice.species.name if choice.species else 'none'}.")
    if started and not keep:
        say("The stack was stopped; its data are kept.")
        return
    say(f"HTTP interface: {address} (reference: {address}/docs)")
    say("See what was classified: trapper classifications list")
    if started:
        say("The stack is left running. Stop it: trapper down")
    say(f"Web app: {address}/")
    _show_link()


def _show_link() -> None:
    try:
        link = sign_in_link()
    except Failure as problem:
        tell(f"No sign-in link: {problem}. Sign in with the password that trapper status names.")
        return
    if link is not None:
        say(f"Signs you in once, within ten minutes: {link}")


def _check_folder(folder: Path) -> Path:
    if not folder.exists():
        raise WrongUsage(f"There is no folder {str(folder)!r}.")
    if not folder.is_dir():
        raise WrongUsage(f"{str(folder)!r} is not a folder.")
    return folder.resolve()
