"""Converts DeepFaune's classifiers (vision transformers of timm): logits, and the class token as features."""

import argparse
import sys
from pathlib import Path
from typing import Any

from conversion import Model, Recipe, Unfit, command_line

_FEATURES = 1024
BACKBONES = {
    "deepfaune-classifier@1.3": ("vit_large_patch14_dinov2.lvd142m", 34),
    "deepfaune-classifier@1.5": ("vit_large_patch16_dinov3.lvd1689m", 40),
}
RECIPES = {
    "deepfaune-classifier@1.3": Recipe(182, ((None, 34), (None, _FEATURES))),
    "deepfaune-classifier@1.5": Recipe(224, ((None, 40), (None, _FEATURES))),
}


def convert(options: argparse.Namespace, recipe: Recipe, out: Path) -> Model:
    """`global_pool="token"` is how both were trained; another pooling would load as well and say something else."""
    import timm
    import torch
    from torch import nn
    from torch_export import export, stripped

    backbone, classes = BACKBONES[options.entry]
    checkpoint = torch.load(options.weights, map_location="cpu", weights_only=False)
    said = checkpoint["args"]
    if (said["backbone"], said["num_classes"]) != (backbone, classes):
        raise Unfit(
            f"the checkpoint is {said['backbone']} with {said['num_classes']} classes, not {backbone}, {classes}"
        )
    network = timm.create_model(
        backbone, pretrained=False, num_classes=classes, global_pool="token", img_size=recipe.side
    )
    state = stripped(checkpoint["state_dict"], "base_model.")
    network.load_state_dict({key: value.float() for key, value in state.items()})

    class WithFeatures(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: Any) -> Any:
            tokens = self.network.forward_features(images)
            return self.network.forward_head(tokens), tokens[:, 0]

    return export(WithFeatures(), recipe, out, ["logits", "embedding"])


if __name__ == "__main__":
    sys.exit(command_line(str(__doc__), RECIPES, convert, needs=("torch", "timm")))
