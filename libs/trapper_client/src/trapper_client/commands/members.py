"""`trapper members`: who may do what in a project."""

from typing import Annotated

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.complete import complete_project, complete_research_project
from trapper_client.commands.find import find_project
from trapper_client.commands.rows import Row, find_research_project, show_rows
from trapper_client.errors import Failure, WrongUsage
from trapper_client.output import Json, answer, say
from trapper_client.stack import connect

group = typer.Typer(help="Members: who may do what in a project.", no_args_is_help=True)
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The person's e-mail address.", show_default=False)]
Invitation = Annotated[
    str,
    typer.Argument(metavar="INVITATION", help="The invitation's id; see `members invitations`.", show_default=False),
]
_INVITATIONS = "/api/invitations/"
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
    """Lists the members of a classification project or of a research project, and who was invited."""
    with connect() as expert:
        path = _path(expert, project, research_project)
        members = [{**row, "state": "member"} for row in _members(expert, path)]
        invited = [{**row, "state": "invited"} for row in expert.api.pages(f"{path}invitations/")]
    rows = [*members, *invited]
    show_rows(rows, ("email", "name", "role", "state"), as_json=as_json, empty="It has no members.")


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
    """Gives a member another role, or invites a person, who becomes a member with `trapper members accept`.

    Example: trapper members set ann@example.org annotator --project foxes
    """
    with connect() as expert:
        path = f"{_path(expert, project, research_project)}members/"
        row = expert.api.call("PUT", path, json={"email": email, "role": role})
    if as_json:
        answer(row)
    else:
        say(f"{email} is {role}." if row["state"] == "member" else f"{email} is invited as {role}.")


@group.command("remove")
def remove(
    email: Email, project: Project = None, research_project: ResearchProject = None, *, as_json: Json = False
) -> None:
    """Ends a person's membership, or withdraws their invitation; what they made stays."""
    with connect() as expert:
        path = _path(expert, project, research_project)
        ids = {row["email"]: f"members/{row['user_id']}" for row in _members(expert, path)}
        ids |= {row["email"]: f"invitations/{row['id']}" for row in expert.api.pages(f"{path}invitations/")}
        if email not in ids:
            raise Failure(f"{email} is neither a member nor invited.", hint="See: trapper members list")
        expert.api.call("DELETE", f"{path}{ids[email]}/")
    if as_json:
        answer({"removed": email})
    else:
        say(f"{email} is not a member any more.")


@group.command("invitations")
def list_invitations(*, as_json: Json = False) -> None:
    """Lists the invitations that you have not answered."""
    with connect() as expert:
        rows = list(expert.api.pages(_INVITATIONS))
    columns = ("id", "project_name", "role", "created_at")
    show_rows(rows, columns, as_json=as_json, empty="You have no open invitation.")


@group.command("accept")
def accept(invitation: Invitation, *, as_json: Json = False) -> None:
    """Accepts an invitation: you are a member from now on."""
    with connect() as expert:
        expert.api.post(f"{_INVITATIONS}{invitation}/accept/")
    if as_json:
        answer({"accepted": invitation})
    else:
        say("You are a member now.")


@group.command("decline")
def decline(invitation: Invitation, *, as_json: Json = False) -> None:
    """Declines an invitation."""
    with connect() as expert:
        expert.api.call("DELETE", f"{_INVITATIONS}{invitation}/")
    if as_json:
        answer({"declined": invitation})
    else:
        say("The invitation is declined.")


def _path(expert: TrapperClient, project: str | None, research_project: str | None) -> str:
    if (project is None) == (research_project is None):
        raise WrongUsage("Members of which project?", hint="Give --project or --research-project.")
    if project is not None:
        return f"/api/classification-projects/{find_project(expert, project).id}/"
    return f"/api/research-projects/{find_research_project(expert, research_project or '').id}/"


def _members(expert: TrapperClient, path: str) -> list[Row]:
    return list(expert.api.get(f"{path}members/")["items"])
