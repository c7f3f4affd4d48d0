"""`trapper classifications`: what was seen on each photo, by the AI and by people, and what stands approved."""

from itertools import islice
from typing import Annotated, Any

import typer

from trapper_client.commands.find import RUN_PROJECT, find_project
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

group = typer.Typer(help="Classifications: what was seen, by the AI and by people.", no_args_is_help=True)

RowId = Annotated[str, typer.Argument(metavar="CLASSIFICATION", help="The row's id.", show_default=False)]
ProjectOption = Annotated[str, typer.Option(help="Slug or name of a classification project.")]
_SHORT = 60


@group.command("list")
def list_classifications(
    *,
    project: ProjectOption = RUN_PROJECT,
    kind: Annotated[str | None, typer.Option("--type", help="final, ai, user or feedback.")] = None,
    resource: Annotated[str | None, typer.Option(help="Only of this photo (its id).")] = None,
    approved: Annotated[bool | None, typer.Option("--approved/--not-approved", help="Only those.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Also what was superseded.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """Lists what was seen on each photo: the current row of the AI, and those of people.

    Example: trapper classifications list --type ai --not-approved
    """
    with connect() as expert:
        found = expert.classifications(
            classification_project_id=find_project(expert, project).id,
            resource_id=resource,
            type=kind,
            approved=approved,
            current=None if history else True,
            limit=min(limit, 200),
        )
        rows = list(islice(found, limit))
    if as_json:
        answer(rows)
        return
    table(
        ("classification", "type", "photo", "approved", "seen"),
        ((row["id"], row["type"], row["resource_id"], bool(row.get("is_approved")), _seen(row)) for row in rows),
        empty="Nothing was classified yet: trapper run FOLDER",
    )


@group.command("show")
def show(classification: RowId, *, as_json: Json = False) -> None:
    """Shows one row with its observations."""
    with connect() as expert:
        row = expert.classification(classification)
    if as_json:
        answer(row)
    else:
        _show(row)


@group.command("fork")
def fork(classification: RowId, *, as_json: Json = False) -> None:
    """Makes a row of your own with copies of the observations; the source stays as it is."""
    with connect() as expert:
        row = expert.act_on_classification(classification, "fork")
    if as_json:
        answer(row)
    else:
        say(f"Forked: {row['id']} is yours to edit.")
        say(f"Approve it: trapper classifications approve {row['id']}")


@group.command("approve")
def approve(classification: RowId, *, as_json: Json = False) -> None:
    """Makes a row of the AI or of a person the accepted one of its photo."""
    with connect() as expert:
        row = expert.classification(classification)
        told = expert.act_on_classification(classification, "approve", version=_final_version(row))
    _told(told, f"Approved: {classification} is what stands for this photo.", as_json=as_json)


@group.command("unapprove")
def unapprove(classification: RowId, *, as_json: Json = False) -> None:
    """Takes an approval back; the row stays as history and cannot be changed any more."""
    with connect() as expert:
        row = expert.classification(classification)
        told = expert.act_on_classification(classification, "unapprove", version=_final_version(row))
    _told(told, "No longer approved.", as_json=as_json)


@group.command("feedback")
def feedback(
    classification: RowId,
    *,
    note: Annotated[str, typer.Option(help="What is wrong with it.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Reports that an approved row is wrong; it stays approved until somebody decides."""
    with connect() as expert:
        told = expert.act_on_classification(classification, "feedback", {"note": note})
    _told(told, f"Reported: {told['id']}.", as_json=as_json)


@group.command("history")
def history(
    resource: Annotated[str, typer.Argument(metavar="PHOTO", help="The photo's id.", show_default=False)],
    *,
    project: ProjectOption = RUN_PROJECT,
    as_json: Json = False,
) -> None:
    """Lists every row of a photo in a project, oldest first."""
    with connect() as expert:
        told = expert.history(resource, find_project(expert, project).id)
    if as_json:
        answer(told)
        return
    rows: list[dict[str, Any]] = told["items"]
    table(
        ("classification", "type", "made", "from", "approved", "superseded by"),
        (
            (
                row["id"],
                row["type"],
                row.get("created_at"),
                row.get("source_classification_id"),
                bool(row.get("is_approved")),
                row.get("superseded_by_id"),
            )
            for row in rows
        ),
    )


def _told(document: Any, sentence: str, *, as_json: bool) -> None:
    if as_json:
        answer(document)
    else:
        say(sentence)


def _final_version(row: dict[str, Any]) -> int:
    return int(row["final_version"])


def _show(row: dict[str, Any]) -> None:
    shown = ("id", "type", "resource_id", "is_approved", "source_classification_id", "created_at")
    table(("", ""), ((name, row.get(name)) for name in shown))
    say()
    columns = ("observation_type", "label", "scientific_name", "count", "detection_confidence", "bbox")
    table(columns, ([each.get(name) for name in columns] for each in _observations(row)), empty="No observation.")


def _observations(row: dict[str, Any]) -> list[dict[str, Any]]:
    return row.get("dynamic_attrs") or []


def _seen(row: dict[str, Any]) -> str:
    """The observations in a few words: 2 animal (red deer), 1 human."""
    words: dict[str, int] = {}
    for each in _observations(row):
        named = each.get("label") or each.get("scientific_name")
        word = f"{each['observation_type']} ({named})" if named else each["observation_type"]
        words[word] = words.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in sorted(words.items()))[:_SHORT]
