"""Converts the MIT YOLOv9 of MegaDetector v6: its scales are decoded into one table as Ultralytics writes it."""

import argparse
import sys
from pathlib import Path
from typing import Any

from conversion import Model, Recipe, Unfit, command_line

RECIPES = {f"megadetector-v6-mit-yolov9-{size}": Recipe(640, ((None, 4 + 3, None),)) for size in "ce"}
_CONFIGS = "config_v9s.yaml for -c and config_v9c.yaml for -e, of record 15178680 at Zenodo"
"""What its publisher calls compact is the architecture's small one, and what it calls extra is its c."""
_PREFIX = "model.model."
"""Lightning keeps the network in a module in a module, and a moving average beside it, which is left out."""


def more(parser: argparse.ArgumentParser) -> None:
    """The network is built from the publisher's configuration."""
    parser.add_argument("--config", type=Path, required=True, help=f"the publisher's .yaml: {_CONFIGS}")


def convert(options: argparse.Namespace, recipe: Recipe, out: Path) -> Model:
    """Corners become centre and size in pixels, logits become confidences."""
    import torch
    from omegaconf import OmegaConf
    from torch import nn
    from torch_export import export
    from yolo import create_converter, create_model

    checkpoint = torch.load(options.weights, map_location="cpu", weights_only=False)
    state = checkpoint.get("state_dict", {})
    state = {key.removeprefix(_PREFIX): value for key, value in state.items() if key.startswith(_PREFIX)}
    if not state:
        raise Unfit(f"the checkpoint has no state_dict with keys that begin with {_PREFIX}")
    model = OmegaConf.load(options.config).model
    network = create_model(model, class_num=3, weight_path=False).eval()
    network.model.load_state_dict(state)  # strictly: the package's own loader leaves out what does not fit
    decode = create_converter(str(model.get("name", "v9")), network, model.anchor, [recipe.side] * 2, "cpu")

    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: Any) -> Any:
            scores, _, corners = decode(self.network(images)["Main"])[:3]
            centres, sizes = (corners[..., :2] + corners[..., 2:]) / 2, corners[..., 2:] - corners[..., :2]
            return torch.cat([centres, sizes, scores.sigmoid()], dim=-1).transpose(1, 2)

    return export(Table(), recipe, out, ["output0"])


if __name__ == "__main__":
    sys.exit(command_line(str(__doc__), RECIPES, convert, needs=("torch", "omegaconf", "yolo"), more=more))
