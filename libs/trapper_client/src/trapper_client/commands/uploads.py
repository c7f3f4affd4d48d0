"""`trapper uploads send`: files into a collection, without any AI being requested here."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.collections import COLLECTION
from trapper_client.commands.deployments import DEPLOYMENT
from trapper_client.commands.find import RUN_RESEARCH_PROJECT
from trapper_client.commands.rows import ResearchProjectOption, find_research_project
from trapper_client.contract import AnnouncedFile, NewUploads
from trapper_client.errors import ApiProblem, WrongUsage
from trapper_client.output import Json, answer, table
from trapper_client.stack import connect

group = typer.Typer(help="Uploads: files that are sent into a collection.", no_args_is_help=True)
_PATIENCE_SECONDS = 60.0
_CHUNK = 1 << 20


@group.command("send")
def send(
    files: Annotated[list[Path], typer.Argument(metavar="FILES…", help="Photos or videos.", show_default=False)],
    *,
    collection: Annotated[str, typer.Option(help="The collection's name or id.", show_default=False)],
    deployment: Annotated[str | None, typer.Option(help="The deployment's name or id.", show_default=False)] = None,
    research_project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
    as_json: Json = False,
) -> None:
    """Sends files into a collection; what is there already is not sent again. Exit code 1 when a file failed.

    Example: trapper uploads send card/*.JPG --collection "Spring 2025" --deployment N1-2025
    """
    for path in files:
        if not path.is_file():
            raise WrongUsage(f"There is no file {str(path)!r}.", hint="For whole folders: trapper run FOLDER")
    with connect(patience=_PATIENCE_SECONDS) as expert:
        owner = find_research_project(expert, research_project)
        target = {
            "research_project_id": owner.id,
            "collection_id": COLLECTION.find(expert, research_project, collection)["id"],
        }
        place = None if deployment is None else DEPLOYMENT.find(expert, research_project, deployment)["id"]
        items = [_send(expert, path, target, place) for path in files]
    if as_json:
        answer({"ok": not any(item["error"] for item in items), "items": items})
    else:
        table(("File", "Status", "Resource", "Error"), ([item[key] for key in _KEYS] for item in items))
    if any(item["error"] for item in items):
        raise typer.Exit(1)


_KEYS = ("file", "status", "resource_id", "error")


def _send(expert: TrapperClient, path: Path, target: dict[str, str], deployment_id: str | None) -> dict[str, Any]:
    """What became of one file; its failure is its own."""
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
        name = os.fsencode(path.name).decode("utf-8", "backslashreplace")
        file = AnnouncedFile(name=name, path=name, size_bytes=size, sha256=sha256, deployment_id=deployment_id)
        (item,) = expert.begin_uploads(NewUploads(**target, items=[file]))
        if item.resource_id is not None:
            return _item(path, "already there", item.resource_id)
        return _item(path, "sent", expert.upload(item.upload_id or "", lambda: _chunks(path), size))
    except OSError as problem:
        return _item(path, "failed", error=f"The file cannot be read: {problem.strerror}.")
    except ApiProblem as problem:
        return _item(path, "failed", error=problem.message)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _item(path: Path, status: str, resource_id: str | None = None, error: str | None = None) -> dict[str, Any]:
    return {"file": str(path), "status": status, "resource_id": resource_id, "error": error}
