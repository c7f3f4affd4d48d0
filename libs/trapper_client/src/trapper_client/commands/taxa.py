"""`trapper taxa`: the species that labels and lists name, and the checklists that they come from."""

from pathlib import Path
from typing import Annotated

import typer

from trapper_client.commands.find import find_project
from trapper_client.commands.operations import report_operation
from trapper_client.commands.rows import ProjectOption
from trapper_client.errors import WrongUsage
from trapper_client.output import Json, answer, table
from trapper_client.stack import connect

group = typer.Typer(help="Taxa: species and higher taxa, from checklists.", no_args_is_help=True)
_PATIENCE_SECONDS = 60.0


@group.command("search")
def search(
    name: Annotated[str | None, typer.Argument(help="A part of any of its names.", show_default=False)] = None,
    *,
    key: Annotated[str | None, typer.Option(help="Its key in a checklist.")] = None,
    checklist: Annotated[str | None, typer.Option(help="Only taxa with a key in this checklist.")] = None,
    as_json: Json = False,
) -> None:
    """Finds taxa by a scientific or vernacular name, or by a key, in all checklists."""
    with connect() as expert:
        taxa = list(expert.taxa(name=name, key=key, checklist=checklist))
    if as_json:
        answer({"items": [taxon.model_dump(mode="json") for taxon in taxa]})
        return
    rows = (
        (
            taxon.id,
            taxon.scientific_name,
            taxon.rank,
            ", ".join(f"{each.checklist}:{each.key}" for each in taxon.keys),
            ", ".join(f"{language}: {text}" for language, text in taxon.vernacular_names.items()),
            taxon.accepted_id,
        )
        for taxon in taxa
    )
    columns = ("Taxon", "Scientific name", "Rank", "Keys", "Vernacular names", "Synonym of")
    table(columns, rows, empty="No taxon has this name or key.")


@group.command("import")
def import_checklist(
    file: Annotated[Path, typer.Argument(help="A CSV, TSV or zip with taxa.", show_default=False)],
    *,
    checklist: Annotated[str, typer.Option(help="Name of the checklist, such as gbif or col.", show_default=False)],
    project: ProjectOption,
    as_json: Json = False,
) -> None:
    """Imports a table of taxa, such as a GBIF backbone extract or a Catalogue of Life table; names rows with errors.

    Example: trapper taxa import Taxon.tsv --checklist gbif --project wolves
    """
    if not file.is_file():
        raise WrongUsage(f"{file} is no file.")
    with connect(patience=_PATIENCE_SECONDS) as expert:
        project_id = find_project(expert, project).id
        operation = expert.import_taxa(file, project_id=project_id, checklist=checklist)
        report_operation(expert, operation.id, as_json=as_json)
