"""Lets the tokens of a standalone stack's admin, who operates its Manager too, open the Manager."""

import os

import typer

from trapper_cli.manager_command import manager_here
from trapper_cli.provisioning import OPERATOR_SCOPES
from trapper_client.commands import tokens
from trapper_client.contract import NewTokenReply
from trapper_client.errors import Failure

SCOPES = ("jobs", *OPERATOR_SCOPES)
CALLER = "admin: {name}"
"""Names are callers to the Manager: a script never shares one with the Expert or the operator, nor their jobs."""


def register(app: typer.Typer) -> None:
    """Called by `trapper` through the entry point."""
    del app
    tokens.ALSO_OPENED.append(ManagerOfThisStack())


class ManagerOfThisStack:
    """The Manager beside the Expert that made the token; nothing when that Expert is another machine's."""

    def admit(self, made: NewTokenReply) -> None:
        """The same token, for as long, with every scope that a person may have."""
        if _is_elsewhere():
            return
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        until = ["--expires-at", made.expires_at.isoformat()]
        words = ("--name", CALLER.format(name=made.name), *scopes, *until, "--token-stdin")
        try:
            manager_here().run("issue_token", *words, stdin=made.token)
        except Failure as problem:
            raise Failure(
                f"The token is valid at the Expert, but the Manager did not accept it: {problem}."
            ) from problem

    def revoke(self, name: str) -> None:
        """Every token of this name; that there is none is no error."""
        if _is_elsewhere():
            return
        try:
            manager_here().run("revoke", "--token-name", CALLER.format(name=name))
        except Failure as problem:
            raise Failure(f"The token is revoked at the Expert, but not at the Manager: {problem}.") from problem


def _is_elsewhere() -> bool:
    return bool(os.environ.get("TRAPPER_URL"))
