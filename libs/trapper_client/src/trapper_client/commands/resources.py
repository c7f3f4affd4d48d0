"""`trapper resources`: single photos and videos, and what was uploaded wrongly with them."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.collections import COLLECTION
from trapper_client.commands.deployments import DEPLOYMENT
from trapper_client.commands.find import RUN_RESEARCH_PROJECT
from trapper_client.commands.rows import (
    Fields,
    ResearchProjectOption,
    Row,
    change_row,
    find_research_project,
    require_fields,
    show_row,
    show_rows,
)
from trapper_client.errors import ApiProblem
from trapper_client.output import Json, answer, table
from trapper_client.stack import connect

group = typer.Typer(help="Resources: single photos and videos.", no_args_is_help=True)
_PATH = "/api/resources/"
_COLUMNS = ("id", "file_path", "state", "captured_at", "deployment_id", "visibility", "is_active")
_PAGE = 200
ResourceId = Annotated[str, typer.Argument(metavar="RESOURCE", help="The photo's id.", show_default=False)]
ResourceIds = Annotated[
    list[str], typer.Argument(metavar="RESOURCE…", help="Ids of photos; see `resources list`.", show_default=False)
]


@group.command("list")
def list_resources(
    *,
    collection: Annotated[str | None, typer.Option(help="Only of this collection: its name or id.")] = None,
    deployment: Annotated[str | None, typer.Option(help="Only of this deployment: its name or id.")] = None,
    research_project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
    archived: Annotated[bool, typer.Option("--archived", help="List archived rows instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
    as_json: Json = False,
) -> None:
    """Lists photos and videos in the order of upload.

    Example: trapper resources list --deployment N1-2025
    """
    with connect() as expert:
        filters = {
            "research_project_id": find_research_project(expert, research_project).id,
            "collection_id": collection and COLLECTION.find(expert, research_project, collection)["id"],
            "deployment_id": deployment and DEPLOYMENT.find(expert, research_project, deployment)["id"],
            "is_active": False if archived else None,
        }
        rows = list(islice(expert.api.pages(_PATH, limit=min(limit, _PAGE), **filters), limit))
    show_rows(rows, _COLUMNS, as_json=as_json, empty="There are no such photos.")


@group.command("show")
def show(resource: ResourceId, *, as_json: Json = False) -> None:
    """Shows one photo with all its fields, and the paths under which it was uploaded."""
    with connect() as expert:
        row = expert.api.get(f"{_PATH}{resource}/")
        places = expert.api.get(f"{_PATH}{resource}/places/")["items"]
    show_row({**row, "places": places}, as_json=as_json)


@group.command("change")
def change(resources: ResourceIds, *, fields: Fields = None, as_json: Json = False) -> None:
    """Changes the given fields of photos: time_override (what a person says instead of the camera), visibility.

    Example: trapper resources change ID --set time_override=2025-03-01T08:00:00+01:00 --set visibility=public
    """
    given = require_fields(fields)
    with connect() as expert:
        _change(expert, resources, given, as_json=as_json)


@group.command("move")
def move(
    resources: ResourceIds,
    *,
    deployment: Annotated[str, typer.Option(help="The right deployment: its name or id.", show_default=False)],
    research_project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
    as_json: Json = False,
) -> None:
    """Moves photos to another deployment; their times and observations follow.

    Example: trapper resources move ID --deployment N1-2025
    """
    with connect() as expert:
        target = DEPLOYMENT.find(expert, research_project, deployment)["id"]
        _change(expert, resources, {"deployment_id": target}, as_json=as_json)


@group.command("archive")
def archive(resources: ResourceIds, *, as_json: Json = False) -> None:
    """Archives photos: no AI or list takes them, and `unarchive` brings them back."""
    with connect() as expert:
        _change(expert, resources, {"is_active": False}, as_json=as_json)


@group.command("unarchive")
def unarchive(resources: ResourceIds, *, as_json: Json = False) -> None:
    """Brings archived photos back."""
    with connect() as expert:
        _change(expert, resources, {"is_active": True}, as_json=as_json)


def _change(expert: TrapperClient, resources: Sequence[str], fields: Row, *, as_json: bool) -> None:
    """Changes each photo on its own; one that is refused is listed with the reason, and exit code 1 follows."""
    items = [_change_one(expert, resource, fields) for resource in resources]
    if as_json:
        answer({"ok": not any(item["error"] for item in items), "items": items})
    else:
        headings = ("Photo", "Photos changed", "Observations changed", "Error")
        table(headings, (list(item.values()) for item in items))
    if any(item["error"] for item in items):
        raise typer.Exit(1)


def _change_one(expert: TrapperClient, resource: str, fields: Row) -> Row:
    path = f"{_PATH}{resource}/"
    item: Row = {"id": resource, "resources_changed": 0, "observations_changed": 0, "error": None}
    try:
        changed = change_row(expert, path, expert.api.get(path), fields)
    except ApiProblem as problem:
        return item | {"error": problem.message}
    return item | {name: changed[name] for name in ("resources_changed", "observations_changed")}
