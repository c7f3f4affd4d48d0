"""`trapper members`: who may do what in a project."""

from typing import Annotated

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.complete import complete_project, complete_research_project
from trapper_client.commands.find import find_project
from trapper_client.commands.rows import find_research_project, show_rows
from trapper_client.errors import Failure, WrongUsage
from trapper_client.output import Json, answer, say
from trapper_client.stack import connect

group = typer.Typer(help="Members: who may do what in a project.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's e-mail address.", show_default=False)]
Project = Annotated[
    str | None,
    typer.Option(help="Slug or name of a classification project.", autocompletion=complete_project, show_default=False),
]
ResearchProject = Annotated[
    str | None,
    typer.Option(
        "--research-project",
        help="Acronym, name or id of a research project.",
        autocompletion=complete_research_project,
        show_default=False,
    ),
]


@group.command("list")
def list_members(project: Project = None, research_project: ResearchProject = None, *, as_json: Json = False) -> None:
    """Lists the members of a classification project or of a research project, with their roles."""
    with connect() as expert:
        rows = _members(expert, _path(expert, project, research_project))
    show_rows(rows, ("email", "name", "role"), as_json=as_json, empty="It has no members.")


@group.command("set")
def set_member(
    email: Email,
    role: Annotated[
        str,
        typer.Argument(
            metavar="ROLE",
            help="admin, expert, annotator, viewer; of a research project: owner, manager, member.",
            show_default=False,
        ),
    ],
    project: Project = None,
    research_project: ResearchProject = None,
    *,
    as_json: Json = False,
) -> None:
    """Gives a person a role in a project, in place of an earlier one.

    Example: trapper members set ann@example.org annotator --project foxes
    """
    with connect() as expert:
        path = _path(expert, project, research_project)
        expert.api.call("PUT", path, json={"email": email, "role": role})
    if as_json:
        answer({"email": email, "role": role})
    else:
        say(f"{email} is {role}.")


@group.command("remove")
def remove(
    email: Email, project: Project = None, research_project: ResearchProject = None, *, as_json: Json = False
) -> None:
    """Ends a person's membership; what they made stays."""
    with connect() as expert:
        path = _path(expert, project, research_project)
        found = next((row for row in _members(expert, path) if row.get("email") == email), None)
        if found is None:
            raise Failure(f"{email} is not a member.", hint="See: trapper members list")
        expert.api.call("DELETE", f"{path}{found['user_id']}/")
    if as_json:
        answer({"removed": email})
    else:
        say(f"{email} is no longer a member.")


def _path(expert: TrapperClient, project: str | None, research_project: str | None) -> str:
    if (project is None) == (research_project is None):
        raise WrongUsage("Members of which project?", hint="Give --project or --research-project.")
    if project is not None:
        return f"/api/classification-projects/{find_project(expert, project).id}/members/"
    return f"/api/research-projects/{find_research_project(expert, research_project or '').id}/members/"


def _members(expert: TrapperClient, path: str) -> list[dict[str, object]]:
    reply = expert.api.get(path)
    return list(reply["items"] if isinstance(reply, dict) else reply)
