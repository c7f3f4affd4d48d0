"""Converts checkpoints of YOLOv5 (MegaDetector v5 and 1000 redwood, spruce) and of YOLOv9's own repository (cedar)."""

import argparse
import sys
from pathlib import Path
from typing import Any

from conversion import Model, Recipe, Unfit, command_line

RECIPES = {
    "megadetector-v5a": Recipe(1280, ((None, None, 5 + 3),)),
    "megadetector-v5b": Recipe(1280, ((None, None, 5 + 3),)),
    "megadetector-1000-redwood": Recipe(1280, ((None, None, 5 + 3),)),
    "megadetector-1000-spruce": Recipe(640, ((None, None, 5 + 3),)),
    "megadetector-1000-cedar": Recipe(640, ((None, 4 + 3, None),)),
}


def more(parser: argparse.ArgumentParser) -> None:
    """The checkpoint is a pickle of classes that only the repository has."""
    parser.add_argument(
        "--repo", type=Path, required=True, help="a checkout of ultralytics/yolov5 or WongKinYiu/yolov9"
    )


def convert(options: argparse.Namespace, recipe: Recipe, out: Path) -> Model:
    """The repository's model with its last layer set to export, its first table of the right shape kept."""
    if not (options.repo / "models").is_dir():
        raise Unfit(f"{options.repo} is no checkout: it has no folder models")
    sys.path.insert(0, str(options.repo))
    import torch
    from torch import nn
    from torch_export import export

    checkpoint = torch.load(options.weights, map_location="cpu", weights_only=False)
    network = (checkpoint.get("ema") or checkpoint["model"]).float().fuse().eval()
    last = network.model[-1]
    last.export, last.dynamic, last.inplace = True, True, False
    wanted = recipe.outputs[0]

    class Table(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: Any) -> Any:
            answer = self.network(images)
            tables = [one for one in _flat(answer) if one.ndim == len(wanted)]
            return next(
                one
                for one in reversed(tables)
                if all(w is None or s == w for s, w in zip(one.shape, wanted, strict=True))
            )

    return export(Table(), recipe, out, ["output0"])


def _flat(answer: Any) -> list[Any]:
    return [one for part in answer for one in _flat(part)] if isinstance(answer, list | tuple) else [answer]


if __name__ == "__main__":
    sys.exit(command_line(str(__doc__), RECIPES, convert, needs=("torch",), more=more))
