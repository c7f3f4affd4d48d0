"""`trapper models`: the catalogue of models."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from trapper_client.commands.complete import complete_model
from trapper_client.errors import Failure, WrongUsage
from trapper_client.output import Json, answer, say, table, tell
from trapper_client.stack import connect, connect_manager

group = typer.Typer(help="Models: detectors and classifiers.", no_args_is_help=True)

Named = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A name of `trapper models list`, or NAME@VERSION.",
        autocompletion=complete_model,
        show_default=False,
    ),
]
OfVersion = Annotated[
    str, typer.Option("--version", help="The version; needed when the name has several.", show_default=False)
]
_SHOWN = ("name", "type", "predictor", "version", "availability", "pinned", "held", "state", "licence")


@group.command("list")
def list_models(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Also retired models.")] = False,
    as_json: Json = False,
) -> None:
    """Lists the catalogue of the stack's Manager.

    Example: trapper models list
    """
    with connect_manager() as manager:
        models = [summary(model) for model in manager.models(retired=everything)]
    if as_json:
        answer({"items": models})
        return
    headings = ["Installed" if key == "held" else key.capitalize() for key in _SHOWN]
    table(headings, ([model[key] for key in _SHOWN] for model in models), empty="The catalogue is empty.")


@group.command("retire")
def retire(
    name: Named,
    *,
    version: OfVersion = "",
    undo: Annotated[bool, typer.Option("--undo", help="Allow new jobs again.")] = False,
    as_json: Json = False,
) -> None:
    """Refuses new jobs with a model; jobs under way go on, and its weights stay, because results name them.

    Example: trapper models retire yolox-nano
    """
    with connect_manager() as manager:
        chosen = choose_version(manager.models(retired=undo), name, version)
        changed = summary(manager.retire_model(chosen["name"], chosen["version"], retired=not undo))
    tell_expert()
    if as_json:
        answer({"ok": True, "model": changed})
    else:
        say(f"{changed['name']} {changed['version']} is {changed['state']}.")


def choose_version(catalogue: Iterable[dict[str, Any]], name: str, version: str = "") -> dict[str, Any]:
    """The entry that `NAME`, `NAME@VERSION` or a name with a version means; WrongUsage when there is not just one."""
    plain, _, inside = name.partition("@")
    if inside and version and inside != version:
        raise WrongUsage(f"{name} and --version {version} contradict each other.", hint="Give one of them.")
    version = version or inside
    versions = {
        each["version"]: each for each in catalogue if each["name"] == plain and version in ("", each["version"])
    }
    if not versions:
        raise WrongUsage(f"The catalogue has no model {name!r}{_of(version, inside)}.", hint="See: trapper models list")
    if len(versions) > 1:
        raise WrongUsage(f"{plain} has the versions {', '.join(sorted(versions))}.", hint="Choose one with --version.")
    return next(iter(versions.values()))


def tell_expert() -> None:
    """Has the Expert read the catalogue; where it cannot be reached, its next sync finds the change."""
    try:
        with connect() as expert:
            expert.sync_providers()
    except Failure as problem:
        tell(f"The Expert could not be reached, and reads the catalogue at its next start: {problem.message}")


def _of(version: str, inside: str) -> str:
    return f" {version}" if version and not inside else ""


def summary(entry: dict[str, Any]) -> dict[str, Any]:
    """One entry of the catalogue under the names that scripts rely on."""
    spec: dict[str, Any] = entry.get("spec") or {}
    embedding = spec.get("embedding")
    return {
        "name": entry["name"],
        "type": entry["kind"],
        "predictor": spec.get("predictor"),
        "version": entry["version"],
        "sha256": entry.get("sha256"),
        "availability": entry["availability"],
        "state": entry.get("state"),
        "pinned": entry.get("sha256") is not None,
        "held": entry.get("held"),
        "licence": entry["licence"],
        "embedding": None if embedding is None else {"dimension": embedding["dimension"]},
        "labels": [label["label"] for label in spec.get("labels", [])],
    }
