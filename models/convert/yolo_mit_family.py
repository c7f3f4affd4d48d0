"""Converts the MIT YOLOv9 of MegaDetector v6: its scales are decoded into one table as Ultralytics writes it."""

import argparse
import sys
from pathlib import Path
from typing import Any

from conversion import Model, Recipe, door

RECIPES = {f"megadetector-v6-mit-yolov9-{size}": Recipe(640, ((None, 4 + 3, None),)) for size in "ce"}


def convert(options: argparse.Namespace, recipe: Recipe, out: Path) -> Model:
    """Corners become centre and size in pixels, logits become confidences."""
    import torch
    from hydra import compose, initialize_config_module
    from torch import nn
    from torch_export import export
    from yolo import create_converter, create_model

    size = options.entry.rpartition("-")[2]
    with initialize_config_module("yolo.config", version_base=None):
        config = compose("config", overrides=[f"model=v9-{size}", f"image_size=[{recipe.side},{recipe.side}]"])
    network = create_model(config.model, class_num=3, weight_path=str(options.weights)).eval()
    decode = create_converter(config.model.name, network, config.model.anchor, [recipe.side] * 2, "cpu")

    class Table(nn.Module):
        def forward(self, images: Any) -> Any:
            scores, _, corners = decode(network(images)["Main"])[:3]
            centres, sizes = (corners[..., :2] + corners[..., 2:]) / 2, corners[..., 2:] - corners[..., :2]
            return torch.cat([centres, sizes, scores.sigmoid()], dim=-1).transpose(1, 2)

    return export(Table(), recipe, out, ["output0"])


if __name__ == "__main__":
    sys.exit(door(str(__doc__), RECIPES, convert, needs=("torch", "yolo")))
