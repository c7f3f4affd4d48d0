"""`trapper observations`: single objects on photos."""

from typing import Annotated

import typer

from trapper_client.commands.find import find_project
from trapper_client.commands.rows import ProjectFilter
from trapper_client.derived import name_of
from trapper_client.output import Json, answer, table
from trapper_client.stack import connect

group = typer.Typer(help="Observations: single objects on photos.", no_args_is_help=True)

ObservationId = Annotated[str, typer.Argument(metavar="OBSERVATION", help="The observation's id.", show_default=False)]


@group.command("similar")
def similar(
    observation_id: ObservationId,
    *,
    project: ProjectFilter = None,
    taxon: Annotated[
        list[str] | None, typer.Option(help="Only of this taxon and those below, by id; repeatable.")
    ] = None,
    deployment: Annotated[list[str] | None, typer.Option(help="Only of this deployment, by id; repeatable.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most this many.")] = 20,
    as_json: Json = False,
) -> None:
    """Lists the objects that look most like one, nearest first.

    Example: trapper observations similar 0192f6a0-1111-7000-8000-000000000001 --limit 10
    """
    with connect() as expert:
        chosen = find_project(expert, project).id if project else None
        found = expert.similar_observations(
            observation_id,
            classification_project_id=[chosen] if chosen else None,
            taxon_id=taxon,
            deployment_id=deployment,
            limit=limit,
        )
    if as_json:
        answer(found.model_dump(mode="json"))
        return
    rows = (
        (f"{item.distance:.4f}", item.observation.id, item.observation.resource_id, name_of(item.observation))
        for item in found.items
    )
    table(("Distance", "Observation", "Resource", "Name"), rows, empty="No other object has features to compare.")
