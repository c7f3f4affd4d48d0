"""Finds or makes what a run works in: one project for all runs, one collection for each visit to a folder."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from trapper_cli.runs.choose_models import Choice
from trapper_cli.runs.names import as_text
from trapper_cli.runs.plan import DeploymentRule, PlannedDeployment
from trapper_cli.runs.visits import Visit, collections_named, visit_name
from trapper_client.client import TrapperClient
from trapper_client.commands.find import RUN_PROJECT
from trapper_client.contract import (
    ClassificationProjectChange,
    ClassificationProjectReply,
    LinkedCollectionChange,
    NewClassificationProject,
    NewCollection,
    NewDeployment,
    NewLinkedCollection,
    NewResearchProject,
    ResearchProjectStatus,
)
from trapper_client.errors import ApiProblem

RESEARCH_NAME = "Trapper run"
RESEARCH_ACRONYM = "RUN"
_CONFLICT, _CHANGED_MEANWHILE = 409, 412

T = TypeVar("T")


@dataclass(frozen=True)
class Workspace:
    """Ids of what a folder's photos go into."""

    research_project_id: str
    project_id: str
    collection_id: str
    linked_collection_id: str


def find_project(expert: TrapperClient) -> ClassificationProjectReply:
    """The classification project of all runs, made at the first."""
    research = _find_or_make(
        lambda: (p for p in expert.research_projects() if p.acronym.upper() == RESEARCH_ACRONYM),
        lambda: expert.create_research_project(NewResearchProject(name=RESEARCH_NAME, acronym=RESEARCH_ACRONYM)),
    )
    if research.status is not ResearchProjectStatus.ACTIVE:
        expert.activate_research_project(research.id)
    return _find_or_make(
        lambda: (p for p in expert.classification_projects(research_project_id=research.id) if p.name == RUN_PROJECT),
        lambda: expert.create_classification_project(
            NewClassificationProject(research_project_id=research.id, name=RUN_PROJECT)
        ),
    )


def set_first_models(expert: TrapperClient, project: ClassificationProjectReply, choice: Choice) -> None:
    """Gives a project without a detector the models of this run; settings that exist never change.

    Each job of the run carries its models, whatever the project's settings are.
    """
    if project.object_detection_ai_model is not None:
        return
    change = ClassificationProjectChange.model_validate(choice.overrides().model_dump(exclude_unset=True))
    try:
        expert.change_classification_project(project.id, change)
    except ApiProblem as problem:
        if problem.status != _CHANGED_MEANWHILE:  # by another run that began at the same moment
            raise


def open_workspace(
    expert: TrapperClient,
    project: ClassificationProjectReply,
    folder: str,
    visit: Visit,
    *,
    sequence_interval: int,
) -> Workspace:
    """The visit's collection, linked to the project.

    A new link is paused: the run requests its jobs itself, with its own models, and the service adds none to them.
    """
    collection = _find_or_make(
        lambda: collections_named(expert, project.research_project_id, visit.name),
        lambda: expert.create_collection(
            NewCollection(
                research_project_id=project.research_project_id, name=visit.name, description=as_text(folder)[:1000]
            )
        ),
    )
    linked = expert.link_collection(
        project.id, NewLinkedCollection(collection_id=collection.id, sequence_interval_seconds=sequence_interval)
    )
    changes: dict[str, int | bool] = {}
    if linked.sequence_interval_seconds != sequence_interval:
        changes["sequence_interval_seconds"] = sequence_interval
    if linked.is_active and visit.is_new:
        changes["is_active"] = False
    if changes:
        expert.change_link(project.id, linked.id, LinkedCollectionChange.model_validate(changes))
    return Workspace(project.research_project_id, project.id, collection.id, linked.id)


def ensure_deployments(
    expert: TrapperClient,
    workspace: Workspace,
    folder: str,
    visit: Visit,
    *,
    planned: Sequence[PlannedDeployment],
    rule: DeploymentRule,
) -> dict[str, str]:
    """The id of each planned deployment by its key; those that are not there are made."""
    names = {each.key: _deployment_id(folder, visit, each, rule) for each in planned}
    project = workspace.research_project_id
    known = {each.deployment_id: each.id for each in expert.deployments(research_project_id=project)}

    def ensure(name: str) -> str:
        if name in known:
            return known[name]
        return _find_or_make(
            lambda: (each for each in expert.deployments(research_project_id=project) if each.deployment_id == name),
            lambda: expert.create_deployment(NewDeployment(research_project_id=project, deployment_id=name)),
            look_first=False,
        ).id

    return {key: ensure(name) for key, name in names.items()}


def _deployment_id(folder: str, visit: Visit, planned: PlannedDeployment, rule: DeploymentRule) -> str:
    if rule.name is not None:
        return as_text(planned.name)
    return visit_name(f"{folder}/{planned.key}", planned.name, visit.number)


def _find_or_make(find: Callable[[], Iterable[T]], make: Callable[[], T], *, look_first: bool = True) -> T:
    """Two runs may begin at the same moment: a conflict means that the other one made it."""
    if look_first and (existing := next(iter(find()), None)) is not None:
        return existing
    try:
        return make()
    except ApiProblem as problem:
        if problem.status != _CONFLICT or (existing := next(iter(find()), None)) is None:
            raise
        return existing
