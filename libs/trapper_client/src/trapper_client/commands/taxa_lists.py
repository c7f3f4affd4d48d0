"""`trapper taxa-lists`: named sets of taxa, such as the species of a region."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from trapper_client.client import TrapperClient
from trapper_client.commands.find import find_project
from trapper_client.commands.rows import ProjectFilter
from trapper_client.contract import NewTaxa, NewTaxaList, NewTaxaListRow, TaxaListReply
from trapper_client.errors import WrongUsage
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

group = typer.Typer(help="Taxa lists: named sets of taxa, such as the species of a region.", no_args_is_help=True)

ListName = Annotated[str, typer.Argument(metavar="LIST", help="Name or id of a taxa list.", show_default=False)]
_NAME_COLUMNS = ("scientificName", "scientific_name", "name")
_KEY_COLUMNS = ("taxonID", "key")


@group.command("list")
def list_lists(*, project: ProjectFilter = None, as_json: Json = False) -> None:
    """Lists the global taxa lists and those of one's projects."""
    with connect() as expert:
        chosen = find_project(expert, project).id if project else None
        lists = list(expert.taxa_lists(classification_project_id=chosen))
    if as_json:
        answer({"items": [each.model_dump(mode="json") for each in lists]})
        return
    rows = ((each.id, each.name, each.taxon_count, each.classification_project_id or "all") for each in lists)
    table(("List", "Name", "Taxa", "Project"), rows, empty="There is no taxa list yet.")


@group.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    *,
    project: ProjectFilter = None,
    as_json: Json = False,
) -> None:
    """Creates an empty taxa list of a project; without --project a global one, which needs a site admin.

    Example: trapper taxa-lists create białowieża --project wolves
    """
    with connect() as expert:
        chosen = find_project(expert, project).id if project else None
        made = expert.create_taxa_list(NewTaxaList(name=name, classification_project_id=chosen))
    if as_json:
        answer(made.model_dump(mode="json"))
    else:
        say(f"Taxa list {made.name}: {made.id}. Fill it: trapper taxa-lists add {made.id} species.csv")


@group.command("add")
def add(
    named: ListName,
    file: Annotated[
        Path | None,
        typer.Argument(help="CSV with a column scientificName, or columns taxonID and checklist.", show_default=False),
    ] = None,
    *,
    algorithm: Annotated[str | None, typer.Option(help="Id of a model: the taxa that its labels name.")] = None,
    approved_in: Annotated[str | None, typer.Option(help="Project: the taxa of its approved observations.")] = None,
    checklist: Annotated[str, typer.Option(help="The checklist of the keys in the file.")] = "gbif",
    leave_out: Annotated[bool, typer.Option("--leave-out", help="Add the rest when some rows match no taxon.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what each row comes to, and add nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Adds taxa to a list: from a CSV, from a model's labels, or from what was approved.

    Example: trapper taxa-lists add białowieża species.csv --dry-run
    """
    if sum(source is not None for source in (file, algorithm, approved_in)) != 1:
        raise WrongUsage("Give exactly one of FILE, --algorithm and --approved-in.")
    rows = None if file is None else _read_rows(file, checklist)
    with connect() as expert:
        source = None if approved_in is None else find_project(expert, approved_in).id
        body = NewTaxa(rows=rows, algorithm_id=algorithm, approved_in=source, leave_out=leave_out, dry_run=dry_run)
        added = expert.add_taxa(find_list(expert, named).id, body)
    if as_json:
        answer(added.model_dump(mode="json"))
        return
    bad = [(each.row, rows[each.row], each.fate) for each in added.items if each.taxon_id is None] if rows else []
    for position, row, fate in bad:
        say(f"Row {position + 1}, {row.scientific_name or row.key}: {fate.value}")
    say(f"{added.found} taxa found, {'nothing added (--dry-run)' if dry_run else f'{added.added} added'}.")


def find_list(expert: TrapperClient, named: str) -> TaxaListReply:
    """The taxa list with this id or name."""
    lists = list(expert.taxa_lists())
    found = [each for each in lists if named in {each.id, each.name}]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{each.name} ({each.id})" for each in found or lists)
    reason = f"Several taxa lists are named {named!r}." if found else f"There is no taxa list {named!r}."
    raise WrongUsage(reason, hint=f"Known: {known or 'none yet: trapper taxa-lists create NAME'}.")


def _read_rows(file: Path, checklist: str) -> list[NewTaxaListRow]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.DictReader(text)
            columns = reader.fieldnames or []
            name = next((column for column in _NAME_COLUMNS if column in columns), None)
            key = next((column for column in _KEY_COLUMNS if column in columns), None)
            if name is None and key is None:
                raise WrongUsage(f"{file} has no column scientificName and no column taxonID.")
            rows = [_row(row, name, key, checklist) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise WrongUsage(f"{file} cannot be read as a CSV in UTF-8: {problem}") from problem
    if not rows:
        raise WrongUsage(f"{file} has no rows.")
    return rows


def _row(row: dict[str, str | None], name: str | None, key: str | None, checklist: str) -> NewTaxaListRow:
    """Not checked here: the service names the rows that it refuses."""
    given = (row.get(key) or "").strip() if key else ""
    if given:
        return NewTaxaListRow.model_construct(checklist=row.get("checklist") or checklist, key=given)
    return NewTaxaListRow.model_construct(scientific_name=((row.get(name) or "") if name else "").strip())
