"""`trapper tokens`: secrets for scripts."""

from typing import Annotated

import typer

from trapper_client.output import Json, answer, say
from trapper_client.stack import connect

group = typer.Typer(help="Tokens: secrets for scripts.", no_args_is_help=True)


@group.command("create")
def create(
    name: Annotated[str, typer.Option(help="What it is for, to tell it from others.", show_default=False)],
    *,
    as_json: Json = False,
) -> None:
    """Makes a token and shows it once; use it as `Authorization: Bearer TOKEN`."""
    with connect() as expert:
        made = expert.create_token(name)
    if as_json:
        answer({"token": made["token"], "name": name, "id": made.get("id")})
    else:
        say(made["token"])
