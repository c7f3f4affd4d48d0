"""`trapper run FOLDER`: photos in, a table of what was seen and the files that were asked for out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from trapper_cli.running import ensure_stack, stop_stack
from trapper_cli.runs.choose_models import AUTO, Choice
from trapper_cli.runs.gather import models_used
from trapper_cli.runs.offer_detector import may_ask
from trapper_cli.runs.report import Report
from trapper_cli.runs.work import Found, Wishes, look_at_folder, work_on
from trapper_cli.runs.write_csv import observations_csv
from trapper_cli.runs.write_file import write_whole
from trapper_cli.runs.write_md_json import md_json
from trapper_client.commands.find import RUN_PROJECT
from trapper_client.errors import WrongUsage
from trapper_client.output import Json, answer, say, tell
from trapper_client.stack import connect

_ENDINGS = (".json", ".csv")
_PATIENCE_SECONDS = 90.0


def register(app: typer.Typer) -> None:
    """Called by `trapper` through the entry point."""
    app.command("run")(run)


def run(
    folder: Annotated[Path, typer.Argument(help="The folder of photos; each leaf folder is one deployment.")],
    *,
    detector: Annotated[str, typer.Option(envvar="TRAPPER_DETECTOR", help="A detector's name, or auto.")] = AUTO,
    species: Annotated[
        str, typer.Option(envvar="TRAPPER_SPECIES", help="A species model's name, auto, or none.")
    ] = AUTO,
    out: Annotated[
        list[Path] | None,
        typer.Option(
            help="Also write a file: results.json (MegaDetector batch format 1.6) or a .csv; may be given twice.",
            show_default=False,
        ),
    ] = None,
    sequence_interval: Annotated[
        int,
        typer.Option(envvar="TRAPPER_SEQUENCE_INTERVAL", min=1, help="Seconds without a photo that end a sequence."),
    ] = 120,
    once: Annotated[
        bool, typer.Option("--once", help="Stop at the end what was started here, and ask nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Looks at every photo of a folder; running it again goes on where it stopped, and does nothing twice.

    Exit code 0 also when some photos failed, 1 when the job did, 2 when it was called wrongly.

    Example: trapper run ~/sdcard --out results.json
    """
    outputs = _check_outputs(out or [])
    place = _check_folder(folder)
    offers = may_ask(place, once=once, as_json=as_json)
    wishes = Wishes(place, detector, species, sequence_interval, quiet=as_json, offers=offers)
    found = look_at_folder(wishes)
    started = ensure_stack()
    keep = False
    try:
        report, choice, address = _work(wishes, found, outputs)
        keep = not once
    except KeyboardInterrupt:
        tell("Interrupted; the same command goes on where this one stopped.")
        raise
    except Exception:
        keep = not once
        raise
    finally:
        if started and not keep:
            stop_stack()
    if as_json:
        left = started and keep
        models = {"detector": choice.detector.name, "species_model": choice.species.name if choice.species else None}
        answer({"ok": True, **models, **report.document(), "url": address, "project": RUN_PROJECT, "stack_left": left})
    else:
        _show(report, choice, address, started=started, keep=keep, outputs=outputs)


def _work(wishes: Wishes, found: Found, outputs: Sequence[Path]) -> tuple[Report, Choice, str]:
    with connect(patience=_PATIENCE_SECONDS) as expert:
        report, choice = work_on(expert, wishes, found)
        for path in outputs:
            if path.suffix.lower() == ".csv":
                write_whole(path, observations_csv(report.outcomes))
            else:
                write_whole(path, md_json(report.outcomes, *models_used(expert, choice)))
        return report, choice, expert.base_url


def _show(report: Report, choice: Choice, address: str, *, started: bool, keep: bool, outputs: Sequence[Path]) -> None:
    say()
    report.show()
    say()
    say(f"Detector {choice.detector.name}, species {choice.species.name if choice.species else 'none'}.")
    for path in outputs:
        say(f"Written: {path}")
    if started and not keep:
        say("The stack was stopped; its data are kept.")
        return
    say(f"The HTTP interface: {address} (its contract: {address}/openapi.json)")
    say("See what the AI said: trapper classifications list")
    if started:
        say("The stack is left running; stop it with: trapper down")


def _check_folder(folder: Path) -> Path:
    if not folder.exists():
        raise WrongUsage(f"There is no folder {str(folder)!r}.")
    if not folder.is_dir():
        raise WrongUsage(f"{str(folder)!r} is not a folder.")
    return folder.resolve()


def _check_outputs(out: Sequence[Path]) -> list[Path]:
    """Before any work: an ending that we know, a folder that is there."""
    for path in out:
        if path.suffix.lower() not in _ENDINGS:
            raise WrongUsage(f"--out {str(path)!r}: the ending chooses the format, and it is one of .json, .csv.")
        if path.is_dir():
            raise WrongUsage(f"--out {str(path)!r} is a folder.")
        if not path.absolute().parent.is_dir():
            raise WrongUsage(f"--out {str(path)!r}: there is no folder {str(path.absolute().parent)!r}.")
    return [path.absolute() for path in out]
