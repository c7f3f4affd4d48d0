"""`trapper projects`: classification projects, their models and settings."""

from typing import Annotated

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.complete import complete_project
from trapper_client.commands.find import RUN_RESEARCH_PROJECT, find_project
from trapper_client.commands.rows import (
    Fields,
    ResearchProjectOption,
    Row,
    change_row,
    find_research_project,
    is_id,
    parse_fields,
    require_fields,
    show_row,
    show_rows,
)
from trapper_client.errors import WrongUsage
from trapper_client.output import Json
from trapper_client.stack import connect

group = typer.Typer(
    help="Projects: which collections are classified, with which models and settings.", no_args_is_help=True
)
Named = Annotated[
    str,
    typer.Argument(
        metavar="PROJECT",
        help="Slug or name of a classification project.",
        autocompletion=complete_project,
        show_default=False,
    ),
]
_PATH = "/api/classification-projects/"
_MODELS = ("object_detection_ai_model", "species_ai_model", "embedding_ai_model")
_COLUMNS = ("slug", "name", "research_project", "status", "detector", "species")


@group.command("list")
def list_projects(*, as_json: Json = False) -> None:
    """Lists the classification projects with their research projects and models."""
    with connect() as expert:
        research = {project.id: project for project in expert.research_projects()}
        models = {provider.id: provider.name for provider in expert.providers()}
        projects = list(expert.classification_projects())
    rows = [
        {
            "id": project.id,
            "slug": project.slug,
            "name": project.name,
            "research_project": owner.name if (owner := research.get(project.research_project_id)) else None,
            "status": project.status,
            "detector": models.get(project.object_detection_ai_model or ""),
            "species": models.get(project.species_ai_model or ""),
        }
        for project in projects
    ]
    show_rows(rows, _COLUMNS, as_json=as_json, empty="There is no project yet: trapper run FOLDER makes one.")


@group.command("show")
def show(project: Named, *, as_json: Json = False) -> None:
    """Shows a classification project with all its settings."""
    with connect() as expert:
        row = expert.api.get(f"{_PATH}{find_project(expert, project).id}/")
    show_row(row, as_json=as_json)


@group.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new project's name.", show_default=False)],
    research_project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
    *,
    fields: Fields = None,
    as_json: Json = False,
) -> None:
    """Makes a classification project in a research project. Models can be given by name.

    Example: trapper projects create Foxes --research-project BIA --set object_detection_ai_model=yolox-s
    """
    given = parse_fields(fields)
    with connect() as expert:
        owner = find_research_project(expert, research_project)
        row = expert.api.post(_PATH, {**_with_ids(expert, given), "research_project_id": owner.id, "name": name})
    show_row(row, as_json=as_json)


@group.command("change")
def change(project: Named, *, fields: Fields = None, as_json: Json = False) -> None:
    """Changes settings of a classification project; jobs that were submitted keep theirs. Models can be given by name.

    Example: trapper projects change foxes --set detection_threshold=0.3 --set species_ai_model=null
    """
    given = require_fields(fields)
    with connect() as expert:
        path = f"{_PATH}{find_project(expert, project).id}/"
        row = change_row(expert, path, expert.api.get(path), _with_ids(expert, given))
    show_row(row, as_json=as_json)


def _with_ids(expert: TrapperClient, fields: Row) -> Row:
    """The fields, with the id of each model that is given by its name."""
    names = {field: str(fields[field]) for field in _MODELS if fields.get(field) and not is_id(str(fields[field]))}
    if not names:
        return fields
    providers = sorted(expert.providers(), key=lambda provider: provider.id)
    ids = {provider.name: provider.id for provider in providers if provider.is_active}
    for field, name in names.items():
        if name not in ids:
            raise WrongUsage(f"{field}: there is no model {name!r}.", hint=f"Known: {', '.join(sorted(ids))}.")
    return {**fields, **{field: ids[name] for field, name in names.items()}}
