"""`trapper postprocess evaluate`: what a method decides for the cases of a file, without a running stack."""

import json
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trapper_cli.runs.write_file import write_whole
from trapper_client.commands import postprocess
from trapper_client.errors import Failure, WrongUsage
from trapper_client.output import Json, answer, say, tell


class Method(StrEnum):
    """The methods whose decisions follow from one row alone."""

    CLASS_MASKING = "class_masking"
    RANK_ROLLUP = "rank_rollup"


def register(app: typer.Typer) -> None:
    """Adds `evaluate` to the group `postprocess` of the client's own commands."""
    del app
    postprocess.group.command("evaluate")(evaluate)


def evaluate(
    *,
    method: Annotated[Method, typer.Option(help="The method that decides.", show_default=False)],
    cases: Annotated[Path, typer.Option(help='A JSON file {"cases": [...]}.', show_default=False)],
    out: Annotated[Path, typer.Option(help="The JSON file for the answers.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Writes what a method decides for each case; exit code 1 when a case was refused, the others are answered.

    Example: trapper postprocess evaluate --method class_masking --cases cases.json --out decided.json
    """
    try:
        text = cases.read_bytes()
    except OSError as problem:
        raise WrongUsage(f"{cases} cannot be read: {problem.strerror}.") from problem
    done = subprocess.run(  # noqa: S603 - our own module; the method is one of two words
        [sys.executable, "-m", "expert.postprocessing.evaluate_cases", method.value],
        input=text,
        capture_output=True,
        check=False,
    )
    complaints = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if not done.stdout:
        raise Failure(f"{cases} is refused: {complaints[-1] if complaints else f'code {done.returncode}'}")
    write_whole(out, done.stdout)
    for complaint in complaints:
        tell(f"{cases}: {complaint}")
    decided = [case for case in json.loads(done.stdout)["cases"] if "error" not in case]
    if as_json:
        answer({"out": str(out), "decided": len(decided), "refused": len(complaints)})
    else:
        say(f"{len(decided)} cases decided, {len(complaints)} refused: {out}")
    if done.returncode:
        raise typer.Exit(1)
