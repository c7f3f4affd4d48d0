"""The `trapper` command: its commands, those that other packages add, and how every error becomes a sentence."""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points, version
from typing import Annotated, NoReturn

import typer

from trapper_client.commands import (
    classifications,
    collections,
    deployments,
    jobs,
    links,
    locations,
    members,
    models,
    observations,
    occurrences,
    operations,
    postprocess,
    projects,
    queues,
    research_projects,
    resources,
    taxa,
    taxa_lists,
    tokens,
    uploads,
    workers,
)
from trapper_client.errors import Failure
from trapper_client.output import say, tell

GROUP = "trapper.commands"

app = typer.Typer(
    name="trapper",
    help="From a folder of camera-trap photos to an accepted scientific record.",
    epilog="Exit codes: 0 success, 1 failure, 2 wrong usage; trapper run also has 3: the input was read only in part. "
    "Every command takes --help, and --json for scripts.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


for _noun in (
    classifications, collections, deployments, jobs, links, locations, members, models, observations, occurrences,
    operations, postprocess, projects, queues, research_projects, resources, taxa, taxa_lists, tokens, uploads, workers,
):  # fmt: skip
    app.add_typer(_noun.group, name=_noun.__name__.rpartition(".")[2].replace("_", "-"))
app.command("run_class_masking")(postprocess.run_class_masking)


def _print_version(given: bool) -> None:
    if given:
        say(f"trapper {version('trapper-client')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """From a folder of camera-trap photos to an accepted scientific record."""


@cache
def load_commands() -> None:
    """Adds the commands of installed packages; each entry point of the group is a function `register(app)`."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            register = entry.load()
        except ImportError as problem:
            tell(f"The commands of `{entry.name}` cannot be loaded: {problem}.")
            continue
        register(app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; every failure becomes one sentence on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        load_commands()
        app(given, prog_name="trapper")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return _failed(given, "Wrong usage.", code, is_printed=True) if code == 2 else code  # noqa: PLR2004
    except Failure as failure:
        return _failed(given, str(failure), failure.exit_code)
    except KeyboardInterrupt:
        return _failed(given, "Interrupted.", 130)
    except OSError as problem:
        return _failed(given, system_sentence(problem), 1)
    except Exception as problem:  # noqa: BLE001 - the last resort: a person gets a sentence, a developer the trace
        if os.environ.get("TRAPPER_TRACEBACK"):
            traceback.print_exc()
        kind = type(problem).__name__
        return _failed(given, f"Unexpected: {kind}: {problem} (TRAPPER_TRACEBACK=1 shows where).", 1)
    return 0


def main() -> NoReturn:
    """The entry point of the `trapper` script."""
    sys.exit(run())


def system_sentence(problem: OSError) -> str:
    """An error of the operating system as a sentence, with the file that it is about."""
    reason = problem.strerror or str(problem) or type(problem).__name__
    named = "" if problem.filename is None else f"{os.fsdecode(problem.filename)!r}: "
    return f"{named}{reason}."


def _failed(given: Sequence[str], sentence: str, code: int, *, is_printed: bool = False) -> int:
    if not is_printed:
        tell(sentence)
    if "--json" in given:
        sys.stdout.write(json.dumps({"ok": False, "error": sentence}) + "\n")
    return code
