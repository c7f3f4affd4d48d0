"""`trapper research-projects`: the owners of places, photos and classification projects."""

from typing import Annotated

import typer

from trapper_client.commands.complete import complete_research_project
from trapper_client.commands.rows import (
    Fields,
    change_row,
    find_research_project,
    parse_fields,
    require_fields,
    show_row,
    show_rows,
)
from trapper_client.output import Json
from trapper_client.stack import connect

group = typer.Typer(
    help="Research projects: the owners of places, photos and classification projects.", no_args_is_help=True
)
Named = Annotated[
    str,
    typer.Argument(
        metavar="PROJECT",
        help="Acronym, name or id of a research project.",
        autocompletion=complete_research_project,
        show_default=False,
    ),
]
_PATH = "/api/research-projects/"


@group.command("list")
def list_projects(*, as_json: Json = False) -> None:
    """Lists the research projects that you may see."""
    with connect() as expert:
        rows = list(expert.api.pages(_PATH))
    show_rows(rows, ("acronym", "name", "status", "id"), as_json=as_json, empty="There is no research project yet.")


@group.command("show")
def show(project: Named, *, as_json: Json = False) -> None:
    """Shows one research project with all its fields."""
    with connect() as expert:
        row = expert.api.get(f"{_PATH}{find_research_project(expert, project).id}/")
    show_row(row, as_json=as_json)


@group.command("create")
def create(
    acronym: Annotated[str, typer.Argument(metavar="ACRONYM", help="A short name.", show_default=False)],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The full name.", show_default=False)],
    *,
    fields: Fields = None,
    as_json: Json = False,
) -> None:
    """Makes a research project; a site admin has to activate it.

    Example: trapper research-projects create BIA "Mammals of Bialowieza"
    """
    body = {**parse_fields(fields), "acronym": acronym, "name": name}
    with connect() as expert:
        row = expert.api.post(_PATH, body)
    show_row(row, as_json=as_json)


@group.command("change")
def change(project: Named, *, fields: Fields = None, as_json: Json = False) -> None:
    """Changes the given fields of a research project, and no others."""
    given = require_fields(fields)
    with connect() as expert:
        path = f"{_PATH}{find_research_project(expert, project).id}/"
        row = change_row(expert, path, expert.api.get(path), given)
    show_row(row, as_json=as_json)


@group.command("activate")
def activate(project: Named, *, as_json: Json = False) -> None:
    """Lets a research project take photos; for site admins."""
    with connect() as expert:
        row = find_research_project(expert, project)
        expert.activate_research_project(row.id)
        row = expert.api.get(f"{_PATH}{row.id}/")
    show_row(row, as_json=as_json)
