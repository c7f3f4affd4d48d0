"""Writes trained weights as the ONNX files that the project ships, checks them, and lists their hashes."""

import argparse
import hashlib
import json
import os
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
import train_detector
import train_species
from render.scenes import CATEGORIES
from torch import nn

OPSET = 17
HERE = Path(__file__).parent
LARGEST = 5_000_000


def named(labels: list[str]) -> str:
    """Class names in the form in which exported YOLO models carry them."""
    return str(dict(enumerate(labels)))


def write(model: nn.Module, target: Path, size: int, outputs: list[str], facts: dict[str, str]) -> None:
    model.eval()
    axes = {"images": {0: "batch"}} | {name: {0: "batch"} for name in outputs}
    sample = torch.rand(2, 3, size, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter is chosen on purpose: it writes one file
        torch.onnx.export(
            model, (sample,), str(target), input_names=["images"], output_names=outputs,
            dynamic_axes=axes, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
    document = onnx.load(str(target))
    onnx.helper.set_model_props(document, facts)
    onnx.checker.check_model(document, full_check=True)
    onnx.save(document, str(target))
    compare(model, target, size)
    assert target.stat().st_size < LARGEST


def compare(model: nn.Module, target: Path, size: int) -> None:
    """The file must say what the network says, for any number of pictures."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when ONNX Runtime is imported
    import onnxruntime

    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    for count in (1, 3):
        images = torch.rand(count, 3, size, size)
        with torch.no_grad():
            expected = model(images)
        expected = expected if isinstance(expected, tuple) else (expected,)
        for ours, theirs in zip(session.run(None, {"images": images.numpy()}), expected, strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-3, atol=1e-3)


def export_detector(weights: Path) -> Path:
    detector = train_detector.Detector()
    detector.load_state_dict(torch.load(weights, weights_only=True))
    target = HERE / "weights" / "demo-detector.onnx"
    size = train_detector.SIZE
    facts = {
        "description": "demo-detector 1, trained on rendered scenes only, for trying the system out",
        "version": "1",
        "license": "MIT",
        "task": "detect",
        "stride": str(max(train_detector.STRIDES)),
        "batch": "1",
        "imgsz": json.dumps([size, size]),
        "names": named(list(CATEGORIES)),
    }
    write(train_detector.Exported(detector), target, size, ["output0"], facts)
    return target


def export_species(weights: Path) -> Path:
    classifier = train_species.Classifier()
    classifier.load_state_dict(torch.load(weights, weights_only=True))
    target = HERE / "weights" / "demo-species.onnx"
    size = train_species.SIZE
    labels = (HERE / "labels" / "demo-species.txt").read_text().splitlines()
    facts = {
        "description": "demo-species 1, trained on rendered scenes only, for trying the system out",
        "version": "1",
        "license": "MIT",
        "task": "classify",
        "imgsz": json.dumps([size, size]),
        "names": named(labels),
    }
    write(classifier, target, size, ["logits", "embedding"], facts)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detector", type=Path)
    parser.add_argument("--species", type=Path)
    options = parser.parse_args()
    if options.detector:
        export_detector(options.detector)
    if options.species:
        export_species(options.species)
    files = sorted((HERE / "weights").glob("*.onnx"))
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (HERE / "weights" / "SHA256SUMS").write_text("".join(lines))
    print("".join(lines), end="")


if __name__ == "__main__":
    main()
