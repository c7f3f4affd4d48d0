"""The whole job on one folder: scan, read, plan, upload, request AI, wait, collect."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trapper_cli.runs.choose_models import AUTO, Choice, choose_models, tell_demo
from trapper_cli.runs.follow import JobRunner
from trapper_cli.runs.gather import gather_outcomes
from trapper_cli.runs.names import as_text, portable
from trapper_cli.runs.offer_detector import offer_detector
from trapper_cli.runs.outcomes import InputGap, RunResult
from trapper_cli.runs.plan import DeploymentRule, PlannedDeployment, deployment_key, plan_deployments, show_plan
from trapper_cli.runs.progress import Counter, counting
from trapper_cli.runs.read_photos import Contents, read_photos
from trapper_cli.runs.read_results import Results
from trapper_cli.runs.report import Report
from trapper_cli.runs.scan import FileFailure, PhotoFile, Scan, scan_folder
from trapper_cli.runs.send import FileToSend, Sender
from trapper_cli.runs.visits import Visit, find_visit
from trapper_cli.runs.workspace import Workspace, ensure_deployments, find_project, open_workspace, set_first_models
from trapper_client.client import TrapperClient
from trapper_client.contract import ClassificationProjectReply, ProviderReply
from trapper_client.errors import Failure, Unreachable
from trapper_client.output import tell
from trapper_client.stack import connect_manager

_PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class RunOptions:
    """What the command line asks for."""

    folder: Path
    detector: str
    species: str
    sequence_interval: int
    rule: DeploymentRule
    read_timeout: float
    quiet: bool
    may_offer: bool
    """Whether a person can be asked if a real detector shall be downloaded."""

    @property
    def path(self) -> str:
        """The folder's portable path."""
        return portable(str(self.folder))


@dataclass(frozen=True)
class FolderContent:
    """The folder as it is on the drive, each photo known by its hash."""

    scan: Scan
    contents: Contents
    planned: Sequence[PlannedDeployment]
    seconds: float

    @property
    def failures(self) -> list[FileFailure]:
        return [*self.scan.failures, *self.contents.failures]

    @property
    def photos(self) -> list[PhotoFile]:
        """The photos that could be read."""
        return [photo for photo in self.scan.photos if photo.relative in self.contents.photos]

    @property
    def hashes(self) -> dict[str, str]:
        return {relative: content.sha256 for relative, content in self.contents.photos.items()}


def read_folder(options: RunOptions) -> FolderContent:
    """Scans and reads the folder; needs no stack. Raises Failure when there is no photo or video in it."""
    began = time.monotonic()
    scan = scan_folder(options.folder, warn=tell, give_up_seconds=options.read_timeout)
    if not scan.photos and not any(failure.is_media for failure in scan.failures):
        unread = "".join(f" {as_text(failure.relative)}: {failure.reason}" for failure in scan.failures[:3])
        raise Failure(
            f"There are no photos in {str(options.folder)!r}.{unread}",
            hint="Nothing was written." if unread else "Is it the right folder, and is the card mounted?",
        )
    with counting("Reading", len(scan.photos), quiet=options.quiet) as counter:
        contents = read_photos(scan.photos, warn=tell, give_up_seconds=options.read_timeout, on_photo=counter.step)
    planned = plan_deployments(options.path, scan.photos, contents.photos, options.rule)
    return FolderContent(scan, contents, planned, time.monotonic() - began)


def present_visit(
    expert: TrapperClient, project: ClassificationProjectReply, options: RunOptions, content: FolderContent
) -> Visit:
    """The visit that the folder's photos belong to; a new one beside earlier ones is said on standard error."""
    shown = portable(options.folder.name) or "root"
    visit = find_visit(expert, project.research_project_id, options.path, shown, content.hashes)
    if visit.is_new and visit.number > 1:
        tell(
            f"This folder held other photos before ({visit.earlier_photos} in the last visit). "
            f"The present ones become visit {visit.number}, with deployments of its own."
        )
    return visit


def run_folder(
    expert: TrapperClient, options: RunOptions, content: FolderContent, check_visit: Callable[[Visit], None]
) -> tuple[Report, Choice]:
    """Everything that needs the stack; `check_visit` may refuse before anything is sent. Raises Failure."""
    began = time.monotonic() - content.seconds
    project = find_project(expert)
    choice = choose(expert, project, options)
    if options.may_offer and options.detector == AUTO and choice.is_demo and _offer(expert):
        choice = choose(expert, project, options)
    tell_demo(choice, requested=options.detector)
    visit = present_visit(expert, project, options, content)
    check_visit(visit)
    if not options.quiet:
        show_plan(content.planned)
    workspace = open_workspace(
        expert,
        project,
        options.path,
        visit,
        sequence_interval=options.sequence_interval,
    )
    set_first_models(expert, project, choice)
    files = _files_to_send(expert, workspace, options, content, visit)
    uploads = Counter("Uploading", len(files))
    with counting("Looked at", len({file.sha256 for file in files}), quiet=options.quiet) as counter:
        jobs = JobRunner(expert, workspace, choice, photos=counter, uploads=uploads, quiet=options.quiet)
        sender = Sender(
            expert,
            workspace,
            on_file=uploads.step,
            on_chunk=jobs.check,
            warn=tell,
            give_up_seconds=options.read_timeout,
        )
        with jobs.requesting():
            sent = sender.send(files)
        jobs.finish()
    results = Results(expert, workspace, choice)
    if unread := results.of_other_models():
        jobs.run_again(unread)
        results = Results(expert, workspace, choice)
        results.drop(results.of_other_models())
    names = {each.key: each.name for each in content.planned}
    outcomes = gather_outcomes(
        content.photos,
        [*content.failures, *sent.failures.values()],
        files={file.photo.relative: file for file in files},
        deployments={
            photo.relative: names[deployment_key(photo.folder, options.rule)] for photo in content.scan.photos
        },
        resources=sent.resources,
        results=results,
        known_deployments={
            each.id: each for each in expert.deployments(research_project_id=workspace.research_project_id)
        },
    )
    gaps = [InputGap(each.relative, each.reason) for each in content.failures if not each.is_media]
    return Report(
        result=RunResult(visit.name, outcomes, gaps),
        planned=content.planned,
        visit=visit.number,
        ignored=content.scan.ignored,
        uploaded=sent.uploaded,
        looked_at=jobs.looked_at(),
        events=jobs.count_events(),
        seconds=time.monotonic() - began,
    ), choice


def choose(expert: TrapperClient, project: ClassificationProjectReply, options: RunOptions) -> Choice:
    """The models of this run, from those that the Expert knows and whose weights are installed."""
    providers = list(expert.providers())
    in_use = {project.object_detection_ai_model or "", project.species_ai_model or ""}
    return choose_models(
        providers,
        detector=options.detector,
        species=options.species,
        installed=_installed(providers),
        in_use=in_use,
    )


def _offer(expert: TrapperClient) -> bool:
    """Whether a real detector was installed; where the Manager does not answer, nothing is offered."""
    try:
        manager = connect_manager()
    except Failure:
        return False
    with manager:
        return offer_detector(manager, expert)


def _installed(providers: Sequence[ProviderReply]) -> set[str]:
    """Hashes of the weights that the Manager holds; where only the Expert answers, of those that are ready."""
    try:
        with connect_manager(patience=_PATIENCE_SECONDS) as manager:
            return {model["sha256"] for model in manager.models() if model.get("held")}
    except Unreachable:
        return {each.sha256 for each in providers if each.sha256 is not None and each.availability == "ready"}


def _files_to_send(
    expert: TrapperClient, workspace: Workspace, options: RunOptions, content: FolderContent, visit: Visit
) -> list[FileToSend]:
    """Every photo that could be read, with its deployment; deployments that are not there are made."""
    planned = [each for each in content.planned if each.photos]
    deployments = ensure_deployments(expert, workspace, options.path, visit, planned=planned, rule=options.rule)
    return [
        FileToSend(
            photo,
            content.contents.photos[photo.relative].sha256,
            deployments[deployment_key(photo.folder, options.rule)],
        )
        for photo in content.photos
    ]
