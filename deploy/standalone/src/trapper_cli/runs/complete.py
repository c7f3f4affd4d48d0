"""Completes models' names on the command line; where nothing answers quickly, there is nothing to complete."""

from trapper_cli.runs.choose_models import AUTO, NONE
from trapper_client.commands.complete import model_names
from trapper_client.contract import ModelKind


def complete_detector(incomplete: str) -> list[str]:
    """Detectors of the catalogue, and auto."""
    return [name for name in [AUTO, *model_names(ModelKind.DETECTION)] if name.startswith(incomplete)]


def complete_species(incomplete: str) -> list[str]:
    """Species models of the catalogue, auto, and none."""
    return [name for name in [AUTO, NONE, *model_names(ModelKind.CLASSIFICATION)] if name.startswith(incomplete)]
