"""`trapper tokens`: secrets for scripts."""

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

import typer

from trapper_client.errors import Failure
from trapper_client.output import Json, answer, say, table
from trapper_client.stack import connect

group = typer.Typer(help="Tokens: secrets for scripts.", no_args_is_help=True)
Name = Annotated[str, typer.Option(help="What it is for, to tell it from others.", show_default=False)]


class AlsoOpened(Protocol):
    """Another service that the tokens of this machine's admin open."""

    def admit(self, made: Mapping[str, Any]) -> None:
        """Take this new token too; nothing when the caller is not on the machine of the stack."""
        ...

    def revoke(self, name: str) -> None:
        """Take no token of this name any more."""
        ...


ALSO_OPENED: list[AlsoOpened] = []
"""Filled by the package that runs the whole stack on one machine."""


@group.command("create")
def create(name: Name, *, as_json: Json = False) -> None:
    """Makes a token and shows it once; use it as `Authorization: Bearer TOKEN`.

    It may do what you may, and on the machine of a standalone stack it opens the Manager too.

    Example: trapper tokens create --name nightly-script
    """
    with connect() as expert:
        made = expert.create_token(name)
    for service in ALSO_OPENED:
        service.admit(made)
    if as_json:
        answer({"token": made["token"], "name": name, "id": made.get("id"), "expires_at": made.get("expires_at")})
    else:
        say(made["token"])


@group.command("list")
def show(*, as_json: Json = False) -> None:
    """Lists your tokens, without their secrets.

    Example: trapper tokens list
    """
    with connect() as expert:
        found = list(expert.tokens())
    if as_json:
        answer({"tokens": found})
        return
    rows = [[one["name"], one["expires_at"][:10], (one["used_at"] or "never")[:10]] for one in found]
    table(["NAME", "UNTIL", "LAST USED"], rows)


@group.command("revoke")
def revoke(name: Name, *, as_json: Json = False) -> None:
    """Ends every token of this name at once, wherever it was good.

    Example: trapper tokens revoke --name nightly-script
    """
    with connect() as expert:
        found = [one for one in expert.tokens() if one["name"] == name]
        for one in found:
            expert.revoke_token(one["id"])
    for service in ALSO_OPENED:
        service.revoke(name)
    if not found:
        raise Failure(f"You have no token named {name}.", hint="List them: trapper tokens list")
    if as_json:
        answer({"revoked": len(found), "name": name})
    else:
        say(f"{len(found)} token{'s' if len(found) > 1 else ''} named {name} revoked.")
