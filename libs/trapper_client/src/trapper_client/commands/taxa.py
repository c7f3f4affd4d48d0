"""`trapper taxa`: the species that labels and lists name, and the checklists that they come from."""

from pathlib import Path
from typing import Annotated

import typer

from trapper_client.commands.find import find_project
from trapper_client.commands.operations import report_operation
from trapper_client.commands.rows import ProjectOption
from trapper_client.contract import NewMatching
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


@group.command("unresolved")
def unresolved(
    label: Annotated[str | None, typer.Argument(help="A part of the label.", show_default=False)] = None,
    *,
    as_json: Json = False,
) -> None:
    """Lists labels of models that should name a taxon and name none that is known, with what they may mean."""
    with connect() as expert:
        labels = list(expert.unresolved_labels(name=label))
    if as_json:
        answer({"items": [each.model_dump(mode="json") for each in labels]})
        return
    rows = (
        (
            f"{each.algorithm.name} {each.algorithm.version}",
            each.label,
            each.scientific_name,
            each.reason,
            ", ".join(candidate.scientific_name for candidate in each.candidates),
        )
        for each in labels
    )
    columns = ("Model", "Label", "Scientific name", "Reason", "Candidates")
    table(columns, rows, empty="Every label of every model has its taxon.")


@group.command("match")
def match(
    *,
    project: ProjectOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Matches labels with taxa again, such as after an import; AI observations of the project follow their labels.

    Example: trapper taxa match --project wolves --dry-run
    """
    with connect(patience=_PATIENCE_SECONDS) as expert:
        project_id = find_project(expert, project).id
        operation = expert.match_labels(NewMatching(classification_project_id=project_id, dry_run=dry_run))
        report_operation(expert, operation.id, as_json=as_json)
