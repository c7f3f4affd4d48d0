"""Converts EfficientNet classifiers of torchvision: SDZWA's (V2-M, 480 px) and those of one's own."""

import argparse
import sys
from pathlib import Path
from typing import Any

import onnx
from conversion import Model, Recipe, Unfit, command_line

_REGIONS = ("amazon", "andes", "savanna", "southwest")
RECIPES = {
    **{f"sdzwa-{region}": Recipe(480, ((None, None),)) for region in _REGIONS},
    "efficientnet-v2-m": Recipe(480, ((None, None), (None, 1280))),
    "efficientnet-b0": Recipe(224, ((None, None), (None, 1280))),
}
_NETWORKS = {"efficientnet-b0": "efficientnet_b0"}
_HEAD = "classifier.1.weight"


def more(parser: argparse.ArgumentParser) -> None:
    """The catalogue does not know their classes, so the file has to."""
    parser.add_argument("--labels", type=Path, required=True, help="the classes in index order, one per line")


def named(out: Path, labels: list[str]) -> None:
    """Write the labels into the file, in the form that `trapper models install` reads."""
    document = onnx.load(str(out))
    onnx.helper.set_model_props(document, {"names": str(dict(enumerate(labels)))})
    onnx.save(document, str(out))


def read_labels(path: Path, classes: int) -> list[str]:
    """One per line; there must be as many as the network has classes."""
    try:
        labels = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise Unfit(f"{path} cannot be read as text ({problem})") from problem
    if len(labels) != classes or not all(label.strip() for label in labels):
        raise Unfit(f"{path} has {len(labels)} lines; expected {classes}, one label for each class")
    return [label.strip() for label in labels]


def convert(options: argparse.Namespace, recipe: Recipe, out: Path) -> Model:
    """How many classes there are is read from the last layer; features are what goes into it."""
    import torch
    import torchvision
    from torch import nn
    from torch_export import export, stripped

    checkpoint = torch.load(options.weights, map_location="cpu", weights_only=True)
    state: dict[str, Any] = next((checkpoint[key] for key in ("model", "state_dict") if key in checkpoint), checkpoint)
    state = stripped(state, "model.")
    if _HEAD not in state:
        raise Unfit(f"the checkpoint has no {_HEAD}, so it is no EfficientNet of torchvision with one linear layer")
    network = getattr(torchvision.models, _NETWORKS.get(options.entry, "efficientnet_v2_m"))(
        num_classes=len(state[_HEAD])
    )
    network.load_state_dict(state)

    class WithFeatures(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: Any) -> Any:
            features = torch.flatten(self.network.avgpool(self.network.features(images)), 1)
            return self.network.classifier(features), features

    labels = read_labels(options.labels, len(state[_HEAD]))
    before = export(WithFeatures(), recipe, out, ["logits", "embedding"])
    named(out, labels)
    return before


if __name__ == "__main__":
    sys.exit(command_line(str(__doc__), RECIPES, convert, needs=("torch", "torchvision"), more=more))
