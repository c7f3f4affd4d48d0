"""The whole job on one folder: scan, hash, send, ask for AI, wait, collect."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trapper_cli.runs.choose_models import AUTO, Choice, choose_models, say_demo
from trapper_cli.runs.follow import Followed, run_ai, run_ai_again, wait_until_described
from trapper_cli.runs.gather import gather_outcomes
from trapper_cli.runs.hash import hash_photos
from trapper_cli.runs.known import Known
from trapper_cli.runs.names import sentence
from trapper_cli.runs.offer_detector import offer_detector
from trapper_cli.runs.progress import counting
from trapper_cli.runs.report import Report
from trapper_cli.runs.scan import FileFailure, Scan, scan_folder
from trapper_cli.runs.send import Announced, Sender, Sent, failures_of
from trapper_cli.runs.workspace import Workspace, ensure_deployments, find_project, open_workspace, set_models
from trapper_client.client import TrapperClient
from trapper_client.errors import Failure, Unreachable
from trapper_client.replies import ClassificationProject, Provider
from trapper_client.stack import connect_manager

_PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Wishes:
    """What a person asked for."""

    folder: Path
    detector: str
    species: str
    sequence_interval: int
    quiet: bool
    offers: bool
    """Whether somebody can be asked if a real detector shall be downloaded."""


@dataclass(frozen=True)
class Found:
    """The folder as it lies there, each photo known by its hash."""

    scan: Scan
    hashes: Mapping[str, str]
    failures: list[FileFailure]
    seconds: float


def look_at_folder(wishes: Wishes) -> Found:
    """Scan and hash; needs no stack."""
    began = time.monotonic()
    scan = scan_folder(wishes.folder)
    with counting("Hashing", len(scan.photos), quiet=wishes.quiet) as counter:
        hashes, unread = hash_photos(scan.photos, counter.step)
    return Found(scan, hashes, [*scan.failures, *unread], time.monotonic() - began)


def work_on(expert: TrapperClient, wishes: Wishes, found: Found) -> tuple[Report, Choice]:
    """Everything that needs the stack; raises Failure when a job failed."""
    began = time.monotonic() - found.seconds
    project = find_project(expert)
    choice = choose(expert, project, wishes)
    if wishes.offers and wishes.detector == AUTO and choice.is_demo and _offer(expert):
        choice = choose(expert, project, wishes)
    say_demo(choice, asked=wishes.detector)
    set_models(expert, project, choice)
    workspace = open_workspace(expert, project, wishes.folder, sequence_interval=wishes.sequence_interval)
    sent = _send(expert, workspace, wishes, found)
    wait_until_described(expert, workspace, quiet=wishes.quiet)
    _hold_to(run_ai(expert, workspace, quiet=wishes.quiet))
    known = Known(expert, workspace, choice)
    if stale := known.looked_at_by_another(choice):
        _hold_to(run_ai_again(expert, workspace, stale, quiet=wishes.quiet))
        known = Known(expert, workspace, choice)
    outcomes = gather_outcomes(
        found.scan.photos,
        [*found.failures, *failures_of(sent)],
        hashes=found.hashes,
        resources=sent.resources,
        known=known,
    )
    folders = [failure for failure in found.failures if not failure.is_media]
    seconds = time.monotonic() - began
    return Report(outcomes, folders, found.scan.ignored, sent.uploaded, seconds), choice


def _hold_to(followed: Followed) -> None:
    """Raises Failure when a job as a whole failed."""
    if followed.broken:
        job = followed.broken[0]
        raise Failure(
            f"The AI job {job.id} ended as {job.stage}: {sentence(job.error or 'no reason was given')}",
            hint="Run the same command again to go on; what was seen already is kept.",
        )


def choose(expert: TrapperClient, project: ClassificationProject, wishes: Wishes) -> Choice:
    """The models of this run, from those that the Expert knows and whose weights are here."""
    providers = list(expert.providers())
    in_use = {project.object_detection_ai_model or "", project.species_ai_model or ""}
    return choose_models(
        providers,
        detector=wishes.detector,
        species=wishes.species,
        installed=_installed(providers),
        in_use=in_use,
    )


def _offer(expert: TrapperClient) -> bool:
    """Whether a real detector was installed; where the Manager cannot be asked, nothing is offered."""
    try:
        manager = connect_manager()
    except Failure:
        return False
    with manager:
        return offer_detector(manager, expert)


def _installed(providers: Sequence[Provider]) -> set[str]:
    """Hashes of the weights that the Manager holds; where only the Expert can be asked, of those that are ready."""
    try:
        with connect_manager(patience=_PATIENCE_SECONDS) as manager:
            return {model["sha256"] for model in manager.models() if model.get("held")}
    except Unreachable:
        return {each.sha256 for each in providers if each.sha256 is not None and each.availability == "ready"}


def _send(expert: TrapperClient, workspace: Workspace, wishes: Wishes, found: Found) -> Sent:
    photos = [photo for photo in found.scan.photos if photo.relative in found.hashes]
    leaves = sorted({photo.folder for photo in photos})
    deployments = ensure_deployments(expert, workspace, wishes.folder, leaves)
    files = [Announced(photo, found.hashes[photo.relative], deployments[photo.folder]) for photo in photos]
    with counting("Uploading", len(files), quiet=wishes.quiet) as counter:
        return Sender(expert, workspace, counter).send(files)
