"""The `trapper` command: its own commands, those that other packages add, and how every error becomes a sentence."""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import NoReturn

import typer

from trapper_client.commands import classifications, jobs, models, projects, queues, tokens, workers
from trapper_client.errors import Failure
from trapper_client.output import tell

GROUP = "trapper.commands"

app = typer.Typer(
    name="trapper",
    help="From a folder of camera-trap photos to an accepted scientific record.",
    epilog="Exit codes: 0 it worked, 1 it failed, 2 it was called wrongly. Every command takes --help and --json.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


for _noun in (classifications, jobs, models, projects, queues, tokens, workers):
    app.add_typer(_noun.group, name=_noun.__name__.rpartition(".")[2])


@app.callback()
def _root() -> None:
    """From a folder of camera-trap photos to an accepted scientific record."""


@cache
def load_commands() -> None:
    """Adds the commands of every installed package that offers some: each entry point is `register(app)`."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            register = entry.load()
        except ImportError as problem:
            tell(f"The commands of `{entry.name}` cannot be loaded: {problem}.")
            continue
        register(app)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; whatever goes wrong is told in one sentence."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        load_commands()
        app(given, prog_name="trapper")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return _failed(given, "The command was called wrongly.", code, told=True) if code == 2 else code  # noqa: PLR2004
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
    """The door."""
    sys.exit(run())


def system_sentence(problem: OSError) -> str:
    """What the system refused, and for which file."""
    reason = problem.strerror or str(problem) or type(problem).__name__
    named = "" if problem.filename is None else f"{os.fsdecode(problem.filename)!r}: "
    return f"{named}{reason}."


def _failed(given: Sequence[str], sentence: str, code: int, *, told: bool = False) -> int:
    if not told:
        tell(sentence)
    if "--json" in given:
        sys.stdout.write(json.dumps({"ok": False, "error": sentence}) + "\n")
    return code
