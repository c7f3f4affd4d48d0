"""Exports a PyTorch network the way every converter does; imported only where torch is installed."""

import warnings
from pathlib import Path
from typing import Any

import torch
from conversion import OPSET, Arrays, Model, Recipe
from torch import nn


def export(network: nn.Module, recipe: Recipe, out: Path, outputs: list[str]) -> Model:
    """Write one file with a free batch axis; what is returned runs the network as it was."""
    network.eval()
    axes = {"images": {0: "batch"}} | {name: {0: "batch"} for name in outputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter is chosen on purpose: it writes one file
        torch.onnx.export(
            network,
            (torch.rand(recipe.input_shape(2)),),
            str(out),
            input_names=["images"],
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )

    def before(values: Any) -> Arrays:
        with torch.no_grad():
            answer = network(torch.from_numpy(values))
        return [one.numpy() for one in (answer if isinstance(answer, tuple) else (answer,))]

    return before


def stripped(state: dict[str, Any], prefix: str) -> dict[str, Any]:
    """A state dict without the prefix that a wrapper left, if every key has it."""
    if all(key.startswith(prefix) for key in state):
        return {key.removeprefix(prefix): value for key, value in state.items()}
    return state
