"""`trapper models install`: a model of the catalogue by its name, after its licence was shown."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from trapper_cli.layout import Layout
from trapper_cli.models.download import find_origin
from trapper_cli.models.install import describe, find_entry, install, install_file, why_not
from trapper_cli.running import ensure_stack
from trapper_cli.settings import default_state_dir
from trapper_client.commands import models
from trapper_client.errors import Failure, WrongUsage
from trapper_client.output import Json, answer, say, tell
from trapper_client.stack import connect, connect_manager
from trapper_schemas.v1.models import ModelEntry

_PATIENCE_SECONDS = 60.0


def install_model(
    name: Annotated[str, typer.Argument(help="A name of `trapper models list`, or NAME@VERSION.")],
    *,
    file: Annotated[
        Path | None,
        typer.Option(help="A file with the weights, instead of a download.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept the licence without a question.")] = False,
    as_json: Json = False,
) -> None:
    """Downloads a model of the catalogue, or takes a file for it, tries it, and makes it usable by its name.

    Example: trapper models install yolox-s
    """
    if file is not None and not file.is_file():
        raise WrongUsage(f"There is no file {str(file)!r}.")
    if ensure_stack():
        tell("The stack was started, and is left running (trapper down stops it).")
    with connect(patience=_PATIENCE_SECONDS) as expert, connect_manager(patience=_PATIENCE_SECONDS) as manager:
        entry, held = find_entry(manager.models(), name)
        if not held and file is not None:
            tell(f"{entry.name} {entry.version}, licence {entry.licence}, from {file}.")
            entry = install_file(manager, expert, entry, file)
        elif not held:
            if refusal := why_not(entry):
                raise Failure(refusal)
            origin = find_origin(entry)
            tell(f"{describe(entry, origin)}.")
            if not yes:
                _ask(as_json=as_json)
            entry = install(manager, expert, entry, origin, Layout(default_state_dir()).downloads)
    _show(entry, held_before=held, as_json=as_json)


def _ask(*, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise WrongUsage(
            "This is not a terminal, so the licence cannot be shown for confirmation.", hint="Add --yes to accept it."
        )
    if not typer.confirm("Download it under this licence?", default=False, err=True):
        raise Failure("Nothing was installed.")


def _show(entry: ModelEntry, *, held_before: bool, as_json: bool) -> None:
    if as_json:
        shown = models.summary({**entry.model_dump(mode="json"), "held": True})
        answer({"ok": True, "model": shown, "was_here": held_before})
        return
    done = "is here already" if held_before else "was installed"
    say(f"{entry.name} {done} ({entry.kind.value}, {entry.licence}, sha256 {entry.sha256}).")
    option = {"detection": "--detector", "classification": "--species"}.get(entry.kind.value)
    if option is not None:
        say(f"Use it: trapper run FOLDER {option} {entry.name}")
