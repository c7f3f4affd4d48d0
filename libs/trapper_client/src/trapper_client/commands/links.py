"""`trapper links`: which collections a classification project looks at."""

from typing import Annotated

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.collections import COLLECTION
from trapper_client.commands.find import RUN_PROJECT, RUN_RESEARCH_PROJECT, find_project
from trapper_client.commands.rows import (
    Fields,
    ProjectOption,
    ResearchProjectOption,
    change_row,
    parse_fields,
    require_fields,
    show_row,
    show_rows,
)
from trapper_client.output import Json, answer, say
from trapper_client.stack import connect

group = typer.Typer(help="Links: which collections a classification project uses.", no_args_is_help=True)
_COLUMNS = ("id", "collection_id", "state", "is_active", "sequence_interval_seconds", "created_at")
_REQUESTS = ("id", "classification_project_name", "state", "consented_at", "revoked_at")
Collection = Annotated[
    str, typer.Argument(metavar="COLLECTION", help="The collection's name or id.", show_default=False)
]
Link = Annotated[str, typer.Argument(metavar="LINK", help="The link's id.", show_default=False)]


@group.command("list")
def list_links(project: ProjectOption = RUN_PROJECT, *, as_json: Json = False) -> None:
    """Lists the collections that a classification project uses."""
    with connect() as expert:
        rows = list(expert.api.pages(_path(find_project(expert, project).id)))
    show_rows(rows, _COLUMNS, as_json=as_json, empty="The project uses no collection yet.")


@group.command("create")
def create(
    collection: Collection,
    project: ProjectOption = RUN_PROJECT,
    research_project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
    *,
    fields: Fields = None,
    as_json: Json = False,
) -> None:
    """Links a collection to a classification project; its photos are submitted to the project's models.

    Example: trapper links create "Spring 2025" --project foxes
    """
    given = parse_fields(fields)
    with connect() as expert:
        linked = COLLECTION.find(expert, research_project, collection)
        path = _path(find_project(expert, project).id)
        row = expert.api.post(path, {**given, "collection_id": linked["id"]})
    show_row(row, as_json=as_json)


@group.command("change")
def change(link: Link, project: ProjectOption = RUN_PROJECT, *, fields: Fields = None, as_json: Json = False) -> None:
    """Changes a link: `is_active=false` pauses it, `sequence_interval_seconds` sets what ends a sequence."""
    given = require_fields(fields)
    with connect() as expert:
        path = f"{_path(find_project(expert, project).id)}{link}/"
        row = change_row(expert, path, expert.api.get(path), given)
    show_row(row, as_json=as_json)


@group.command("of")
def list_of_collection(
    collection: Collection, research_project: ResearchProjectOption = RUN_RESEARCH_PROJECT, *, as_json: Json = False
) -> None:
    """Lists the classification projects that use a collection, or ask to; for owners and managers of the collection."""
    with connect() as expert:
        rows = list(expert.api.pages(_of_collection(expert, research_project, collection)))
    show_rows(rows, _REQUESTS, as_json=as_json, empty="No classification project uses this collection.")


@group.command("consent")
def consent(
    collection: Collection,
    link: Link,
    research_project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
    *,
    as_json: Json = False,
) -> None:
    """Lets a classification project use a collection; for owners and managers of the collection."""
    _decide("consent", collection, link, research_project, as_json=as_json)


@group.command("end")
def end(
    collection: Collection,
    link: Link,
    research_project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
    *,
    as_json: Json = False,
) -> None:
    """Ends a link: the project no longer sees the collection's photos; for owners and managers of the collection.

    Example: trapper links end "Spring 2025" LINK
    """
    _decide("revoke", collection, link, research_project, as_json=as_json)


def _decide(decision: str, collection: str, link: str, research_project: str, *, as_json: bool) -> None:
    with connect() as expert:
        row = expert.api.post(f"{_of_collection(expert, research_project, collection)}{link}/{decision}/")
    if as_json:
        answer(row)
    else:
        say(f"The link {row['id']} is {row['state']}.")


def _of_collection(expert: TrapperClient, research_project: str, collection: str) -> str:
    return f"/api/collections/{COLLECTION.find(expert, research_project, collection)['id']}/links/"


def _path(project_id: str) -> str:
    return f"/api/classification-projects/{project_id}/collections/"
