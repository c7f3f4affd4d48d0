"""Finds or makes what a run works in: one project for all runs, one collection for each folder."""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from trapper_cli.runs.choose_models import Choice
from trapper_cli.runs.names import as_text
from trapper_client.client import TrapperClient
from trapper_client.commands.find import RUN_PROJECT
from trapper_client.errors import ApiProblem
from trapper_client.replies import ClassificationProject

RESEARCH_NAME = "Trapper run"
RESEARCH_ACRONYM = "RUN"
_CONFLICT = 409
_LONGEST_NAME = 120

T = TypeVar("T")


@dataclass(frozen=True)
class Workspace:
    """Ids of what a folder's photos go into."""

    research_project_id: str
    project_id: str
    collection_id: str
    linked_collection_id: str


def find_project(expert: TrapperClient) -> ClassificationProject:
    """The classification project of all runs, made at the first."""
    research = _find_or_make(
        lambda: (p for p in expert.research_projects() if p.acronym.upper() == RESEARCH_ACRONYM),
        lambda: expert.create_research_project(name=RESEARCH_NAME, acronym=RESEARCH_ACRONYM),
    )
    if research.status != "active":
        expert.activate_research_project(research.id)
    return _find_or_make(
        lambda: (p for p in expert.classification_projects(research_project_id=research.id) if p.name == RUN_PROJECT),
        lambda: expert.create_classification_project(research_project_id=research.id, name=RUN_PROJECT),
    )


def set_models(expert: TrapperClient, project: ClassificationProject, choice: Choice) -> None:
    """Changes the project's models where they differ; nothing that was submitted changes with them."""
    wanted = {
        "object_detection_ai_model": choice.detector.id,
        "species_ai_model": choice.species.id if choice.species else None,
    }
    if any(getattr(project, name) != value for name, value in wanted.items()):
        expert.change_classification_project(project.id, **wanted)


def open_workspace(
    expert: TrapperClient, project: ClassificationProject, folder: Path, *, sequence_interval: int
) -> Workspace:
    """The folder's collection, linked to the project; the same for the same folder at every run."""
    name = unique_name(folder.name or "root", str(folder))
    collection = _find_or_make(
        lambda: expert.collections(project.research_project_id, name=name),
        lambda: expert.create_collection(
            research_project_id=project.research_project_id, name=name, description=as_text(str(folder))[:1000]
        ),
    )
    linked = expert.link_collection(project.id, collection.id, sequence_interval_seconds=sequence_interval)
    if linked.sequence_interval_seconds != sequence_interval:
        expert.change_link(project.id, linked.id, sequence_interval_seconds=sequence_interval)
    return Workspace(project.research_project_id, project.id, collection.id, linked.id)


def ensure_deployments(
    expert: TrapperClient, workspace: Workspace, folder: Path, leaves: Iterable[str]
) -> dict[str, str]:
    """The deployment of each leaf folder, by the folder's path below the run's folder."""
    wanted = {leaf: unique_name(leaf or folder.name or "root", f"{folder}/{leaf}") for leaf in leaves}
    known = {each.deployment_id: each.id for each in expert.deployments(workspace.research_project_id)}

    def one(name: str) -> str:
        if name in known:
            return known[name]
        project = workspace.research_project_id
        made = _find_or_make(
            lambda: (each for each in expert.deployments(project) if each.deployment_id == name),
            lambda: expert.create_deployment(research_project_id=project, deployment_id=name),
            look_first=False,
        )
        return made.id

    return {leaf: one(name) for leaf, name in wanted.items()}


def unique_name(shown: str, whole: str) -> str:
    """A name that people recognise, and that no other folder has."""
    text = "".join(char if char.isprintable() else "?" for char in as_text(shown))
    return f"{text[:_LONGEST_NAME]} ({hashlib.sha256(os.fsencode(whole)).hexdigest()[:10]})"


def _find_or_make(find: Callable[[], Iterable[T]], make: Callable[[], T], *, look_first: bool = True) -> T:
    """Two runs may begin at the same moment: whoever is told that it exists by now looks again."""
    if look_first and (found := next(iter(find()), None)) is not None:
        return found
    try:
        return make()
    except ApiProblem as problem:
        if problem.status != _CONFLICT or (found := next(iter(find()), None)) is None:
            raise
        return found
