"""`trapper classifications`: what the AI and people say is on each photo, and what is approved."""

import json
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import ValidationError

from trapper_client.client import TrapperClient
from trapper_client.commands.find import RUN_PROJECT, find_project
from trapper_client.commands.rows import ProjectOption
from trapper_client.contract import (
    ClassificationDetail,
    ClassificationReply,
    ClassificationType,
    ObservationChange,
    ObservationInput,
    ObservationReply,
)
from trapper_client.derived import name_of
from trapper_client.errors import WrongUsage
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

group = typer.Typer(help="Classifications: what the AI and people say is on each photo.", no_args_is_help=True)

RowId = Annotated[str, typer.Argument(metavar="CLASSIFICATION", help="The classification's id.", show_default=False)]
Observations = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A JSON list of observations, or the output of `show --json`; - reads standard input.",
        allow_dash=True,
    ),
]
_EDITABLE = (
    "id", "observation_level", "observation_type", "taxon_id", "sex", "life_stage", "behaviour", "count",
    "individual_id", "bbox", "first_frame_index", "custom_attributes", "tags",
)  # fmt: skip
_IDS_PER_CALL = 50
_WITH_OBSERVATIONS: tuple[Literal["ai", "user", "feedback"], ...] = ("ai", "user", "feedback")
"""A final row only points to the row that was approved."""


@group.command("list")
def list_classifications(
    *,
    project: ProjectOption = RUN_PROJECT,
    kind: Annotated[
        ClassificationType | None, typer.Option("--type", help="ai, user, feedback, or final; all but final otherwise.")
    ] = None,
    resource: Annotated[str | None, typer.Option(help="Only of this photo, by its id.")] = None,
    approved: Annotated[
        bool | None, typer.Option("--approved/--not-approved", help="Only approved rows, or only others.")
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="Also superseded rows.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50,
    as_json: Json = False,
) -> None:
    """Lists the current classifications of the AI and of people.

    Example: trapper classifications list --type ai --not-approved
    """
    with connect() as expert:
        matching = expert.classifications(
            classification_project_id=[find_project(expert, project).id],
            resource_id=[] if resource is None else [resource],
            type=list(_WITH_OBSERVATIONS) if kind is None else [kind.value],
            approved=approved,
            current=None if history else True,
            limit=min(limit, 200),
        )
        rows = list(islice(matching, limit))
        shown = [] if as_json else _shown(expert, rows)
    if as_json:
        answer({"items": [row.model_dump(mode="json") for row in rows]})
        return
    columns = ("Classification", "Type", "File", "Approved", "Observations")
    table(columns, shown, empty="There are no classifications yet. Make some: trapper run FOLDER")


@group.command("show")
def show(classification: RowId, *, as_json: Json = False) -> None:
    """Shows one classification with its observations."""
    with connect() as expert:
        if as_json:
            answer(expert.api.get(f"/api/media-classifications/classifications/{classification}/"))
        else:
            _show(expert.classification(classification))


@group.command("fork")
def fork(classification: RowId, *, as_json: Json = False) -> None:
    """Makes a classification of your own with copies of the observations; the source stays as it is."""
    with connect() as expert:
        row = expert.fork(classification)
    if as_json:
        answer(row.model_dump(mode="json"))
        return
    say(f"Forked: {row.id} is yours to edit.")
    say(f"Change it:  trapper classifications show {row.id} --json > row.json")
    say(f"            trapper classifications edit {row.id} row.json")
    say(f"Approve it: trapper classifications approve {row.id}")


@group.command("edit")
def edit(classification: RowId, observations: Observations, *, as_json: Json = False) -> None:
    """Replaces the observations of a classification of your own that was never approved."""
    replacement = _read(observations)
    with connect() as expert:
        row = expert.edit(classification, replacement)
    _show_change(row, f"Saved: {row.id} has {len(row.dynamic_attrs)} observation(s).", as_json=as_json)


@group.command("approve")
def approve(classification: RowId, *, as_json: Json = False) -> None:
    """Approves a classification: it becomes the accepted one of its photo."""
    with connect() as expert:
        row = expert.approve(classification, expert.classification(classification).version)
    _show_change(row, f"Approved: {classification} is the accepted classification of its photo.", as_json=as_json)


@group.command("unapprove")
def unapprove(classification: RowId, *, as_json: Json = False) -> None:
    """Withdraws an approval; the classification stays as history and can no longer be changed."""
    with connect() as expert:
        row = expert.unapprove(classification, expert.classification(classification).version)
    _show_change(row, f"No longer approved: {classification}.", as_json=as_json)


@group.command("feedback")
def feedback(classification: RowId, observations: Observations, *, as_json: Json = False) -> None:
    """Proposes a correction of an approved classification, which stays approved until somebody decides."""
    correction = [each.model_dump(exclude={"id"}, exclude_unset=True) for each in _read(observations)]
    with connect() as expert:
        row = expert.give_feedback(classification, [ObservationInput.model_validate(each) for each in correction])
    _show_change(row, f"Correction proposed: {row.id}.", as_json=as_json)


@group.command("history")
def history(
    resource: Annotated[str, typer.Argument(metavar="PHOTO", help="The photo's id.", show_default=False)],
    *,
    project: ProjectOption = RUN_PROJECT,
    as_json: Json = False,
) -> None:
    """Lists every classification of a photo in a project, oldest first."""
    with connect() as expert:
        rows = expert.history(resource, find_project(expert, project).id)
    if as_json:
        document = rows.model_dump(mode="json")
        answer({"final": document["final"], "items": document["child_classifications"]})
        return
    table(
        ("Classification", "Type", "Created", "From", "Approved", "Superseded by", "Observations"),
        (
            (
                row.id,
                row.type,
                row.created_at.isoformat(timespec="seconds"),
                row.source_classification_id,
                row.is_approved,
                row.superseded_by_id,
                _words(row.dynamic_attrs),
            )
            for row in rows.child_classifications
        ),
        empty="This photo has no classification in this project.",
    )


def _show_change(row: ClassificationReply | ClassificationDetail, sentence: str, *, as_json: bool) -> None:
    if as_json:
        answer(row.model_dump(mode="json"))
    else:
        say(sentence)


def _show(row: ClassificationDetail) -> None:
    shown = ("id", "type", "resource_id", "is_approved", "is_current", "source_classification_id", "created_at")
    table(("", ""), ((name, getattr(row, name)) for name in shown))
    say()
    table(
        ("Type", "Label", "Scientific name", "Count", "Detection", "Species", "Box"),
        (
            (
                each.observation_type,
                each.label,
                each.scientific_name,
                each.count,
                each.detection_confidence,
                each.classification_confidence,
                None if each.bbox is None else ", ".join(f"{value:.3f}" for value in each.bbox),
            )
            for each in row.dynamic_attrs
        ),
        empty="It has no observations.",
    )


def _shown(expert: TrapperClient, rows: Sequence[ClassificationReply]) -> list[tuple[object, ...]]:
    """Each row with its photo's path and its observations in a few words."""
    resources = sorted({row.resource_id for row in rows})
    paths = {resource_id: expert.resource(resource_id).file_path for resource_id in resources}
    observations: dict[str, list[ObservationReply]] = {}
    for start in range(0, len(resources), _IDS_PER_CALL):
        for each in expert.observations(resource_id=resources[start : start + _IDS_PER_CALL]):
            observations.setdefault(each.classification_id, []).append(each)
    return [
        (row.id, row.type, paths[row.resource_id], row.is_approved, _words(observations.get(_source(row), [])))
        for row in rows
    ]


def _source(row: ClassificationReply) -> str:
    """The row whose observations count: of a final row, the row that it points to."""
    return row.source_classification_id or row.id if row.type == "final" else row.id


def _words(observations: Iterable[ObservationReply]) -> str:
    """2 animal (red deer), 1 human."""
    counts: dict[str, int] = {}
    for each in observations:
        word = f"{each.observation_type} ({name_of(each)})" if name_of(each) else each.observation_type
        counts[word] = counts.get(word, 0) + (each.count or 1)
    return ", ".join(word if word == "blank" else f"{count} {word}" for word, count in sorted(counts.items()))


def _read(path: Path) -> list[ObservationChange]:
    """The observations of a file, each with the fields that can be edited and no others."""
    piped = str(path) == "-"
    source = "Standard input" if piped else str(path)
    try:
        document = json.loads(sys.stdin.read() if piped else path.read_text("utf-8"))
    except OSError as problem:
        raise WrongUsage(f"{source} cannot be read: {problem.strerror}.") from problem
    except ValueError as problem:
        raise WrongUsage(f"{source} is not JSON in UTF-8: {problem}.") from problem
    rows = document.get("dynamic_attrs") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise WrongUsage(f"{source} is neither a list of observations nor a row with `dynamic_attrs`.")
    return [_observation(source, number, each) for number, each in enumerate(rows, 1)]


def _observation(source: str, number: int, row: dict[str, Any]) -> ObservationChange:
    given = {name: row[name] for name in _EDITABLE if row.get(name) is not None}
    try:
        return ObservationChange.model_validate(given)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "observation"
        raise WrongUsage(f"{source}, observation {number}: {field}: {first['msg']}.") from None
