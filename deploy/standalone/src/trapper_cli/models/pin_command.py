"""`trapper models pin`: an operator says which weights an unpinned entry has; from then on it never changes."""

import re
import sys
from typing import Annotated

import typer

from trapper_cli.layout import Layout
from trapper_cli.models.install import read_entry, why_not
from trapper_cli.models.pin import decide, list_proposals
from trapper_cli.settings import default_state_dir
from trapper_client.commands import models
from trapper_client.errors import Failure, WrongUsage
from trapper_client.output import Json, answer, say
from trapper_client.stack import connect_manager
from trapper_schemas.v1.models import ModelPins
from trapper_schemas.v1.resources import SHA256

_PATIENCE_SECONDS = 60.0


def pin(
    name: models.Named,
    *,
    version: models.OfVersion = "",
    sha256: Annotated[
        str | None, typer.Option(help="The sha256 that the publisher or a worker gives.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept licence and hash without a question.")] = False,
    only_list: Annotated[bool, typer.Option("--list", help="Show what workers proposed, and change nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Confirms the hash of a model's weights: one that workers proposed, or that of a download on this machine.

    Example: trapper models pin megadetector-v5a
    """
    if sha256 is not None and not re.match(SHA256, sha256):
        raise WrongUsage(f"{sha256[:80]!r} is no sha256: 64 digits and letters from a to f.")
    with connect_manager(patience=_PATIENCE_SECONDS) as manager:
        entry, _ = read_entry(models.choose_version(manager.models(), name, version))
        known = manager.pins(entry.name, entry.version)
        if only_list:
            _list(known, as_json=as_json)
            return
        if entry.sha256 is None and (refusal := why_not(entry)):
            raise Failure(refusal)

        def ask(question: str) -> bool:
            return yes or _confirm(question, as_json=as_json)

        chosen = decide(entry, known, sha256_given=sha256, ask=ask, folder=Layout(default_state_dir()).downloads)
        pinned = models.summary(manager.pin(entry.name, entry.version, chosen.sha256, chosen.size_bytes))
    models.tell_expert()
    if as_json:
        answer({"ok": True, "model": pinned, "source": chosen.source})
    else:
        say(f"{entry.name} {entry.version} is pinned to {chosen.sha256}.")


def _list(known: ModelPins, *, as_json: bool) -> None:
    if as_json:
        answer(known.model_dump(mode="json"))
        return
    list_proposals(known)
    if known.sha256 is not None:
        say(f"{known.name} {known.version} is pinned to {known.sha256}.")


def _confirm(question: str, *, as_json: bool) -> bool:
    if as_json or not sys.stdin.isatty():
        raise WrongUsage(
            "This is not a terminal, so licence and hash cannot be shown for confirmation.",
            hint="Add --yes to accept them, or --sha256 HASH.",
        )
    return typer.confirm(question, default=False, err=True)
