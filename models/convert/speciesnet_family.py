"""Converts SpeciesNet v4, the always-crop variant: pictures with the channels last, 2,498 logits."""

import argparse
import sys
from pathlib import Path

from conversion import Model, Recipe, command_line

RECIPES = {"speciesnet": Recipe(480, ((None, 2498),), channels_last=True)}


def convert(options: argparse.Namespace, recipe: Recipe, out: Path) -> Model:
    """The checkpoint is the whole network, made by onnx2torch, which must be installed for it to load."""
    import torch
    from torch_export import export

    network = torch.load(options.weights, map_location="cpu", weights_only=False)
    return export(network, recipe, out, ["logits"])


if __name__ == "__main__":
    sys.exit(command_line(str(__doc__), RECIPES, convert, needs=("torch", "onnx2torch")))
