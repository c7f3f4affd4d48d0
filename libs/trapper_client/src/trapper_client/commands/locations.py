"""`trapper locations`: places where cameras stand."""

import typer

from trapper_client.commands.rows import Noun, add_row_commands

group = typer.Typer(help="Locations: places where cameras stand.", no_args_is_help=True)
LOCATION = Noun(
    singular="location",
    path="/api/locations/",
    key="location_id",
    columns=("location_id", "name", "latitude", "longitude", "time_zone", "habitat"),
    example="N1 --set latitude=52.7 --set longitude=23.9 --set time_zone=Europe/Warsaw",
)
add_row_commands(group, LOCATION)
