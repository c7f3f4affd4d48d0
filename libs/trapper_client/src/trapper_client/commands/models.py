"""`trapper models`: the catalogue of models."""

from typing import Any

import typer

from trapper_client.output import Json, answer, table
from trapper_client.stack import connect_manager

group = typer.Typer(help="Models: what can look at photos.", no_args_is_help=True)


@group.command("list")
def list_models(*, as_json: Json = False) -> None:
    """Lists the catalogue of the stack's Manager."""
    with connect_manager() as manager:
        models = [summary(model) for model in manager.models()]
    if as_json:
        answer(models)
        return
    table(
        ("name", "type", "predictor", "version", "availability", "here", "licence"),
        (
            [model[key] for key in ("name", "type", "predictor", "version", "availability", "held", "licence")]
            for model in models
        ),
        empty="The catalogue is empty.",
    )


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
        "held": entry.get("held"),
        "licence": entry["licence"],
        "embedding": None if embedding is None else {"dimension": embedding["dimension"]},
        "labels": [label["label"] for label in spec.get("labels", [])],
    }
