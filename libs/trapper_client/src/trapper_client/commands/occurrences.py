"""`trapper occurrences`: individuals that were seen, and what they are determined as."""

from typing import Annotated

import typer

from trapper_client.commands.find import find_project, find_taxon
from trapper_client.commands.rows import ProjectFilter
from trapper_client.contract import DeterminationReply, IdentificationItem
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

group = typer.Typer(help="Occurrences: individuals that were seen, and their taxa.", no_args_is_help=True)

OccurrenceId = Annotated[str, typer.Argument(metavar="OCCURRENCE", help="The occurrence's id.", show_default=False)]


@group.command("list")
def list_occurrences(
    *,
    project: ProjectFilter = None,
    unmatched: Annotated[bool, typer.Option("--unmatched", help="Only those that the newest AI run missed.")] = False,
    as_json: Json = False,
) -> None:
    """Lists occurrences of one project or of all, oldest first."""
    with connect() as expert:
        chosen = find_project(expert, project).id if project else None
        occurrences = list(
            expert.occurrences(
                classification_project_id=[chosen] if chosen else None, unmatched=True if unmatched else None
            )
        )
    if as_json:
        answer({"items": [occurrence.model_dump(mode="json") for occurrence in occurrences]})
        return
    rows = (
        (row.id, row.observation_type, *_determination(row.determination), row.resource_count, row.first_at)
        for row in occurrences
    )
    columns = ("Occurrence", "Type", "Taxon", "Score", "Source", "Resources", "First seen")
    table(columns, rows, empty="There is no occurrence yet.")


@group.command("show")
def show(occurrence_id: OccurrenceId, *, as_json: Json = False) -> None:
    """Shows one occurrence: its taxon, what people said of it, and where it was seen."""
    with connect() as expert:
        occurrence = expert.occurrence(occurrence_id)
    if as_json:
        answer(occurrence.model_dump(mode="json"))
        return
    taxon, score, source = _determination(occurrence.determination)
    say(f"Occurrence {occurrence.id}: {taxon or occurrence.observation_type} ({source or 'not determined'})")
    if score is not None:
        say(f"Score: {score}")
    say(f"Seen in {occurrence.resource_count} resources, first {occurrence.first_at}, last {occurrence.last_at}")
    for step in occurrence.chain:
        maker = step.algorithm.name if step.algorithm else f"row {step.classification_id} ({step.kind})"
        say(f"From {maker}: {step.label or step.observation_type or 'no label'}")
    for identification in occurrence.identifications:
        ended = "" if identification.is_standing else ", which does not stand any more"
        say(f"{identification.person}: {identification.scientific_name}{ended}")


@group.command("identify")
def identify(
    occurrence_ids: Annotated[
        list[str], typer.Argument(metavar="OCCURRENCE...", help="The occurrences' ids.", show_default=False)
    ],
    *,
    taxon: Annotated[str, typer.Option(help="The taxon's id, or its whole scientific name.", show_default=False)],
    comment: Annotated[str | None, typer.Option(help="Why, for others to read.")] = None,
    as_json: Json = False,
) -> None:
    """Identifies occurrences as a taxon; exit code 1 when one of them was refused, the others are kept.

    Example: trapper occurrences identify 0192f6a0-1111-7000-8000-000000000101 --taxon "Vulpes vulpes"
    """
    with connect() as expert:
        taxon_id = find_taxon(expert, taxon)
        items = [IdentificationItem(occurrence_id=each, taxon_id=taxon_id, comment=comment) for each in occurrence_ids]
        results = expert.identify(items)
    refused = [result for result in results if result.problem is not None]
    if as_json:
        answer({"items": [result.model_dump(mode="json") for result in results]})
    else:
        say(f"{len(results) - len(refused)} of {len(results)} occurrence(s) identified.")
        for result in refused:
            say(f"{result.occurrence_id}: {result.problem and (result.problem.detail or result.problem.title)}")
    if refused:
        raise typer.Exit(1)


def _determination(determination: DeterminationReply | None) -> tuple[str | None, float | None, str | None]:
    if determination is None:
        return None, None, None
    taxon = determination.taxon.scientific_name if determination.taxon else None
    return taxon, determination.score, determination.source
