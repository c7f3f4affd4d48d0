"""Lets the tokens of a standalone stack's admin, who operates its Manager too, open the Manager."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import typer

from trapper_cli import secret_store
from trapper_cli.environments import addresses, environments
from trapper_cli.layout import Layout
from trapper_cli.provisioning import OPERATOR_SCOPES
from trapper_cli.settings import read_settings
from trapper_cli.state import read
from trapper_client.commands import tokens
from trapper_client.errors import Failure

_LONGEST_SECONDS = 60
SCOPES = ("jobs", *OPERATOR_SCOPES)
CALLER = "admin: {name}"
"""Names are callers to the Manager: a script never shares one with the Expert or the operator, nor their jobs."""


def register(app: typer.Typer) -> None:
    """Called by `trapper` through the entry point."""
    del app
    tokens.ALSO_OPENED.append(ManagerOfThisStack())


class ManagerOfThisStack:
    """The Manager beside the Expert that made the token; its operator's command writes to its database."""

    def admit(self, made: Mapping[str, Any]) -> None:
        """The same token, for as long, with every scope that a person may have."""
        scopes = [word for scope in SCOPES for word in ("--scope", scope)]
        until = ["--expires-at", str(made["expires_at"])] if made.get("expires_at") else []
        name = CALLER.format(name=made["name"])
        answer = _command("issue_token", "--name", name, *scopes, *until, "--token-stdin", stdin=str(made["token"]))
        if answer:
            raise Failure(f"The token opens the Expert, and the Manager did not take it: {answer}")

    def revoke(self, name: str) -> None:
        """Every token of this name; none is no error."""
        _command("revoke", "--token-name", CALLER.format(name=name))


def _command(*words: str, stdin: str = "") -> str:
    """What one of the Manager's commands complains of; nothing when all is well, or the stack is another machine's."""
    if os.environ.get("TRAPPER_URL"):
        return ""
    settings = read_settings(None, {})
    layout = Layout(settings.state_dir)
    found = read(layout.state)
    if found is None or not found.supervisor.lives:
        return "the stack is not running."
    secrets = secret_store.load(layout.secrets, data_exists=True)
    environment = environments(settings, layout, secrets, addresses(settings, secrets, found.ports))["ai_manager"]
    done = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "ai_manager.commands", *words],
        env=environment,
        input=stdin.encode(),
        capture_output=True,
        timeout=_LONGEST_SECONDS,
        check=False,
    )
    told = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    return "" if done.returncode == 0 else (told or [f"code {done.returncode}"])[0]
