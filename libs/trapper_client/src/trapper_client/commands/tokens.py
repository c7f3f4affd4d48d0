"""`trapper tokens`: secrets for scripts."""

from typing import Annotated, Protocol

import typer

from trapper_client.commands.complete import complete_token
from trapper_client.contract import NewToken, NewTokenReply
from trapper_client.errors import Failure
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

group = typer.Typer(help="Tokens: secrets for scripts.", no_args_is_help=True)
Name = Annotated[
    str,
    typer.Option(
        help="The token's name: what it is for, to tell it from others.",
        autocompletion=complete_token,
        show_default=False,
    ),
]


class AlsoOpened(Protocol):
    """Another service that accepts the tokens of this machine's admin."""

    def admit(self, made: NewTokenReply) -> None:
        """Accepts this new token too; does nothing when the caller is not on the machine of the stack."""
        ...

    def revoke(self, name: str) -> None:
        """Accepts no token of this name any more."""
        ...


ALSO_OPENED: list[AlsoOpened] = []
"""Filled by the package that runs the whole stack on one machine."""


@group.command("create")
def create(name: Name, *, as_json: Json = False) -> None:
    """Makes a token and shows it once; send it as `Authorization: Bearer TOKEN`.

    It has your rights. On the machine of a standalone stack the Manager accepts it too.

    Example: trapper tokens create --name nightly-script
    """
    with connect() as expert:
        made = expert.create_token(NewToken(name=name))
    for service in ALSO_OPENED:
        service.admit(made)
    if as_json:
        answer({"token": made.token, "name": name, "id": made.id, "expires_at": made.expires_at.isoformat()})
    else:
        say(made.token)


@group.command("list")
def show(*, as_json: Json = False) -> None:
    """Lists your tokens, without their secrets.

    Example: trapper tokens list
    """
    with connect() as expert:
        rows = list(expert.tokens())
    if as_json:
        answer({"items": [row.model_dump(mode="json") for row in rows]})
        return
    cells = [[row.name, row.expires_at.date(), row.used_at.date() if row.used_at else "never"] for row in rows]
    table(
        ("Name", "Valid until", "Last used"),
        cells,
        empty="You have no token. Make one: trapper tokens create --name NAME",
    )


@group.command("revoke")
def revoke(name: Name, *, as_json: Json = False) -> None:
    """Ends every token of this name at once.

    Example: trapper tokens revoke --name nightly-script
    """
    with connect() as expert:
        rows = [row for row in expert.tokens() if row.name == name]
        for row in rows:
            expert.revoke_token(row.id)
    for service in ALSO_OPENED:
        service.revoke(name)
    if not rows:
        raise Failure(f"You have no token named {name}.", hint="List them: trapper tokens list")
    if as_json:
        answer({"revoked": len(rows), "name": name})
    else:
        say(f"{len(rows)} token{'s' if len(rows) > 1 else ''} named {name} revoked.")
