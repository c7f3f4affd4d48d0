"""Commands that every kind of row has: list, show, create, change. Fields are given as `--set name=value`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.complete import complete_project, complete_research_project
from trapper_client.commands.find import RUN_RESEARCH_PROJECT
from trapper_client.contract import ResearchProjectReply
from trapper_client.errors import WrongUsage
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

Row = dict[str, Any]
RowName = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name in the research project, or its id.", show_default=False)
]
ResearchProjectOption = Annotated[
    str,
    typer.Option(
        "--research-project",
        help="Acronym, name or id of a research project.",
        autocompletion=complete_research_project,
    ),
]
ProjectFilter = Annotated[
    str | None, typer.Option(help="Slug or name of a classification project.", autocompletion=complete_project)
]
ProjectOption = Annotated[
    str, typer.Option(help="Slug or name of a classification project.", autocompletion=complete_project)
]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A field of the API, repeatable; the value is JSON, or else text. null empties a field.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Noun:
    """One kind of row of a research project: where it is in the API, and how people name it."""

    singular: str
    path: str
    key: str
    columns: tuple[str, ...]
    example: str
    archives: str = ""
    """What archiving one means for people, where these rows can be archived."""

    def find(self, expert: TrapperClient, project: str, named: str) -> Row:
        """The row with this id, or with this name in its research project; WrongUsage when there is none."""
        if is_id(named):
            return expert.api.get(f"{self.path}{named}/")
        owner = find_research_project(expert, project)
        for archived in (None, False) if self.archives else (None,):
            filters = {"research_project_id": owner.id, self.key: named, "is_active": archived}
            for row in expert.api.pages(self.path, **filters):
                if row[self.key].casefold() == named.casefold():  # the filter `name` also finds parts of names
                    return row
        raise WrongUsage(f"{owner.acronym} has no {self.singular} {named!r}.", hint=f"See: trapper {self.group} list")

    @property
    def group(self) -> str:
        return f"{self.singular}s"


def add_row_commands(group: typer.Typer, noun: Noun) -> None:
    """Adds list, show, create and change of a kind of row to its group of commands."""

    @group.command("list", help=f"Lists the {noun.group} of a research project.")
    def list_rows(
        project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
        *,
        archived: Annotated[
            bool, typer.Option("--archived", help="List archived rows instead.", hidden=not noun.archives)
        ] = False,
        as_json: Json = False,
    ) -> None:
        with connect() as expert:
            owner = find_research_project(expert, project)
            rows = list(
                expert.api.pages(noun.path, research_project_id=owner.id, is_active=False if archived else None)
            )
        kind = f"archived {noun.group}" if archived else f"{noun.group} yet"
        show_rows(rows, noun.columns, as_json=as_json, empty=f"{owner.acronym} has no {kind}.")

    @group.command("show", help=f"Shows one {noun.singular} with all its fields.")
    def show(name: RowName, project: ResearchProjectOption = RUN_RESEARCH_PROJECT, *, as_json: Json = False) -> None:
        with connect() as expert:
            row = noun.find(expert, project, name)
        show_row(row, as_json=as_json)

    @group.command("create", help=f"Makes a {noun.singular}.\n\nExample: trapper {noun.group} create {noun.example}")
    def create(
        name: RowName,
        project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
        *,
        fields: Fields = None,
        as_json: Json = False,
    ) -> None:
        given = parse_fields(fields)
        with connect() as expert:
            owner = find_research_project(expert, project)
            row = expert.api.post(noun.path, {**given, "research_project_id": owner.id, noun.key: name})
        show_row(row, as_json=as_json)

    @group.command("change", help=f"Changes the given fields of a {noun.singular}, and no others.")
    def change(
        name: RowName,
        project: ResearchProjectOption = RUN_RESEARCH_PROJECT,
        *,
        fields: Fields = None,
        as_json: Json = False,
    ) -> None:
        given = require_fields(fields)
        with connect() as expert:
            row = noun.find(expert, project, name)
            changed = change_row(expert, f"{noun.path}{row['id']}/", row, given)
        show_row(changed, as_json=as_json)

    if noun.archives:
        _add_archive_commands(group, noun)


def _add_archive_commands(group: typer.Typer, noun: Noun) -> None:
    @group.command("archive", help=f"Archives a {noun.singular}: {noun.archives} `unarchive` brings it back.")
    def archive(name: RowName, project: ResearchProjectOption = RUN_RESEARCH_PROJECT, *, as_json: Json = False) -> None:
        _set_active(noun, project, name, is_active=False, as_json=as_json)

    @group.command("unarchive", help=f"Brings back an archived {noun.singular}, with what was archived with it.")
    def unarchive(
        name: RowName, project: ResearchProjectOption = RUN_RESEARCH_PROJECT, *, as_json: Json = False
    ) -> None:
        _set_active(noun, project, name, is_active=True, as_json=as_json)


def _set_active(noun: Noun, project: str, name: str, *, is_active: bool, as_json: bool) -> None:
    with connect() as expert:
        row = noun.find(expert, project, name)
        changed = change_row(expert, f"{noun.path}{row['id']}/", row, {"is_active": is_active})
    if as_json:
        answer(changed)
    else:
        state = "in use again" if is_active else "archived"
        say(f"The {noun.singular} {changed[noun.key]} is {state}.{_effect(changed)}")


def _effect(changed: Row) -> str:
    """How many other rows changed, where the reply tells."""
    count = changed.get("resources_changed")
    return "" if count is None else f" Photos changed: {count}."


def find_research_project(expert: TrapperClient, named: str) -> ResearchProjectReply:
    """The research project with this acronym, name or id; WrongUsage when there is none."""
    projects = list(expert.research_projects())
    for project in projects:
        if named.casefold() in {project.acronym.casefold(), project.name.casefold(), project.id}:
            return project
    known = ", ".join(project.acronym for project in projects) or "none yet: trapper research-projects create"
    raise WrongUsage(f"There is no research project {named!r}.", hint=f"Known: {known}.")


def change_row(expert: TrapperClient, path: str, row: Row, fields: Row) -> Row:
    """The changed row; where rows have versions, it is changed only if nobody else did meanwhile."""
    headers = {"If-Match": f'"{row["version"]}"'} if row.get("version") is not None else None
    return expert.api.patch(path, fields, headers=headers)


def parse_fields(given: Sequence[str] | None) -> Row:
    """The fields of `--set name=value`; a value that is not JSON is text."""
    fields: Row = {}
    for text in given or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise WrongUsage(f"--set takes NAME=VALUE, not {text!r}.")
        try:
            fields[name.strip()] = json.loads(value)
        except ValueError:
            fields[name.strip()] = value
    return fields


def require_fields(given: Sequence[str] | None) -> Row:
    """As `parse_fields`; WrongUsage when no field is given."""
    fields = parse_fields(given)
    if not fields:
        raise WrongUsage("Nothing to change.", hint="Give at least one --set NAME=VALUE.")
    return fields


def show_rows(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, empty: str) -> None:
    """A list of rows: all fields for scripts, some columns for people."""
    if as_json:
        answer({"items": list(rows)})
    else:
        table(
            [column.replace("_", " ") for column in columns],
            ([row.get(key) for key in columns] for row in rows),
            empty=empty,
        )


def show_row(row: Row, *, as_json: bool) -> None:
    """One row: the document for scripts, a field per line for people."""
    if as_json:
        answer(row)
    else:
        table(("", ""), ((name.replace("_", " "), _shown(value)) for name, value in _filled(row)))
        say()


def is_id(text: str) -> bool:
    """Whether the text is an id, and not a name that people gave."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _filled(row: Row) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in row.items() if value not in (None, "", []))


def _shown(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
