"""`trapper collections`: photos that came together."""

import typer

from trapper_client.commands.rows import Noun, add_row_commands

group = typer.Typer(help="Collections: photos that are uploaded and shared together.", no_args_is_help=True)
COLLECTION = Noun(
    singular="collection",
    path="/api/collections/",
    key="name",
    columns=("name", "visibility", "is_active", "description", "created_at", "id"),
    example='"Spring 2025" --set visibility=private',
    archives="it takes no more files, and no AI is requested for its photos.",
)
add_row_commands(group, COLLECTION)
