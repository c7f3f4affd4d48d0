"""`trapper models test`: runs an installed model on some pictures by the Worker's own code, and shows what it saw."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from trapper_cli.errors import StackError
from trapper_cli.models.install import read_entry, why_not
from trapper_cli.settings import repository_root
from trapper_client.commands import models
from trapper_client.errors import Failure, WrongUsage
from trapper_client.output import Json, answer, say, table, tell
from trapper_client.stack import connect_manager
from trapper_schemas.v1.models import ModelEntry

_LONGEST_SECONDS = 900
_SAMPLES = 3
_TOP = 5
"""Labels that are shown of a picture."""
_PATIENCE_SECONDS = 60.0


def try_model(
    name: models.Named,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Pictures; without any, some of the sample set.", show_default=False)
    ] = None,
    *,
    version: models.OfVersion = "",
    threads: Annotated[int, typer.Option(min=0, help="Cores to use; 0 takes all.")] = 0,
    as_json: Json = False,
) -> None:
    """Runs an installed model on pictures, on every device of this machine; exit code 1 when it runs on none.

    Example: trapper models test yolox-nano ~/sdcard/IMG_0001.JPG
    """
    pictures = _pictures(files or [])
    with connect_manager(patience=_PATIENCE_SECONDS) as manager:
        entry, held = read_entry(models.choose_version(manager.models(retired=True), name, version))
        if not held or entry.sha256 is None:
            raise Failure(_not_here(entry))
        with tempfile.TemporaryDirectory(prefix="trapper-test-") as folder:
            weights = Path(folder) / f"{entry.sha256}.{entry.format}"
            manager.save_weights(entry.sha256, weights)
            _check(weights, entry)
            report = run_there(entry, weights, pictures, threads=threads)
    if as_json:
        answer({**report, "model": models.summary({**entry.model_dump(mode="json"), "held": held})})
    else:
        _show(report)
    if not report["ok"]:
        raise Failure(_nowhere(entry, report))


def run_there(entry: ModelEntry, weights: Path, pictures: Sequence[Path], *, threads: int) -> dict[str, Any]:
    """What the Worker's code answers, in a process of its own."""
    order = {
        "weights": str(weights),
        "entry": entry.model_dump(mode="json"),
        "files": [str(picture) for picture in pictures],
        "threads": threads,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", "ai_worker.devices.try_model"],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=_LONGEST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"Trying {entry.name} took longer than {_LONGEST_SECONDS} s.") from None
    try:
        return json.loads(done.stdout)
    except ValueError:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise Failure(f"{entry.name} cannot be tried here: {last[:300] or f'code {done.returncode}'}.") from None


def _pictures(files: Sequence[Path]) -> list[Path]:
    for file in files:
        if not file.is_file():
            raise WrongUsage(f"There is no file {str(file)!r}.")
    if files:
        return list(files)
    try:
        sample = repository_root() / "models" / "sample"
    except StackError:
        raise WrongUsage("There is no sample set here.", hint="Name some pictures.") from None
    return [next(iter(sorted(folder.glob("*.JPG")))) for folder in sorted(sample.iterdir()) if folder.is_dir()][
        :_SAMPLES
    ]


def _not_here(entry: ModelEntry) -> str:
    return why_not(entry) or f"{entry.name} is not installed: run `trapper models install {entry.name}`."


def _check(weights: Path, entry: ModelEntry) -> None:
    with weights.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != entry.sha256:
        raise Failure(f"The Manager sent weights of {entry.name} with the sha256 {actual}, not {entry.sha256}.")


def _nowhere(entry: ModelEntry, report: dict[str, Any]) -> str:
    reasons = "; ".join(f"{provider['provider']}: {provider['problem']}" for provider in report["providers"])
    return f"{entry.name} does not run here: {reasons or 'no device is one of ' + ', '.join(report['runtimes'])}."


def _show(report: dict[str, Any]) -> None:
    table(
        ("provider", "device", "runs", "ms per picture, model alone", "pictures per second"),
        (
            [
                provider["provider"],
                provider["device"],
                provider["ok"],
                round(1000 * provider["model_seconds"], 1) if provider["ok"] else None,
                provider.get("pictures_per_second"),
            ]
            for provider in report["providers"]
        ),
        empty=f"No device of this machine is one of {', '.join(report['runtimes'])}.",
    )
    say()
    rows = [row for picture in report["pictures"] for row in _rows(picture)]
    table(("picture", "label", "score"), rows, empty="No picture was looked at.")
    for provider in report["providers"]:
        if not provider["ok"]:
            tell(f"{provider['provider']} did not run it: {provider['problem']}")


def _rows(picture: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    """A row for each of the best labels of a picture; one row that says what else came of it."""
    name = "/".join(Path(picture["file"]).parts[-2:])
    rows = sorted([*picture.get("objects", []), *picture.get("labels", [])], key=lambda each: -each["score"])
    if rows:
        return [(name, each["label"], f"{each['score']:.2f}") for each in rows[:_TOP]]
    return [(name, _words(picture), None)]


def _words(picture: dict[str, Any]) -> str:
    if "problem" in picture:
        return str(picture["problem"])
    if near := picture.get("map"):
        return f"a map of {near['columns']} x {near['rows']}, from {near['least']:g} to {near['most']:g}"
    return f"{picture['features']} features" if "features" in picture else "nothing"
