"""Converts the Apache-2.0 RT-DETR of MegaDetector v6: class scores and boxes of 300 queries, without postprocessing."""

import argparse
import sys
from pathlib import Path
from typing import Any

from conversion import Model, Recipe, Unfit, command_line

_OUTPUTS = ((None, 300, 3), (None, 300, 4))
RECIPES = {f"megadetector-v6-apa-rtdetr-{size}": Recipe(640, _OUTPUTS, unordered=True) for size in "ce"}


def more(parser: argparse.ArgumentParser) -> None:
    """The network is built by the repository from its configuration."""
    parser.add_argument("--repo", type=Path, required=True, help="the folder rtdetrv2_pytorch of lyuwenyu/RT-DETR")
    parser.add_argument("--config", type=Path, required=True, help="the .yml of this size, with 3 classes")


def convert(options: argparse.Namespace, recipe: Recipe, out: Path) -> Model:
    """Logits and boxes as fractions come out; `trapper models install` finds that a sigmoid is still to be done."""
    if not (options.repo / "src").is_dir():
        raise Unfit(f"{options.repo} is no checkout: it has no folder src")
    sys.path.insert(0, str(options.repo))
    import torch
    from src.core import YAMLConfig
    from torch import nn
    from torch_export import export

    checkpoint = torch.load(options.weights, map_location="cpu", weights_only=False)
    state = checkpoint["ema"]["module"] if "ema" in checkpoint else checkpoint["model"]
    made = YAMLConfig(str(options.config), resume=None)
    if "PResNet" in made.yaml_cfg:
        made.yaml_cfg["PResNet"]["pretrained"] = False  # or the backbone's weights would be fetched, to be replaced
    made.model.load_state_dict(state)
    network = made.model.deploy()

    class Queries(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: Any) -> Any:
            answer = self.network(images)
            return answer["pred_logits"], answer["pred_boxes"]

    return export(Queries(), recipe, out, ["pred_logits", "pred_boxes"])


if __name__ == "__main__":
    sys.exit(command_line(str(__doc__), RECIPES, convert, needs=("torch", "torchvision"), more=more))
