"""Depth models: one map is found and proved; what is no map, or not the only one, is refused."""

import numpy as np
import pytest
from onnx import helper

from ai_worker.model_intake.inspect_model import inspect_model
from tests.support.networks import fixed_output, save

REQUEST = {"name": "near", "predictor": "depth", "licence": "Apache-2.0"}


def brightness(path, *, size=56, outputs=("predicted_depth",), shape=("batch", 56, 56)):
    """The mean over the colours: as bright, so near."""
    nodes = [helper.make_node("ReduceMean", ["images"], ["mean"], axes=[1], keepdims=0)]
    nodes += [helper.make_node("Identity", ["mean"], [name]) for name in outputs]
    return save(path, nodes, shape=["batch", 3, size, size], outputs=dict.fromkeys(outputs, shape))


def test_a_map_is_found_named_and_proved(tmp_path):
    answer = inspect_model(brightness(tmp_path / "made.onnx"), REQUEST)
    assert answer["ok"], answer
    entry = answer["entry"]
    assert (entry["kind"], entry["spec"]["output"], entry["spec"]["labels"]) == ("depth", "predicted_depth", [])
    assert entry["spec"]["preprocessing"]["mean"] == [0.485, 0.456, 0.406]
    assert [output["shape"][-2:] for output in answer["golden_run"]["inputs"][0]] == [[56, 56]]


def test_two_maps_are_settled_by_naming_one(tmp_path):
    path = brightness(tmp_path / "made.onnx", outputs=("near", "far"))
    refused = inspect_model(path, REQUEST)
    assert (refused["ok"], refused["reason"]) == (False, "layout")
    assert "near" in refused["message"]
    assert inspect_model(path, {**REQUEST, "output": "near"})["entry"]["spec"]["output"] == "near"


@pytest.mark.parametrize("values", [np.zeros((1000,), np.float32), np.zeros((4, 4), np.float32)])
def test_what_is_no_map_is_refused(tmp_path, values):
    refused = inspect_model(fixed_output(tmp_path / "made.onnx", values), REQUEST)
    assert (refused["ok"], refused["reason"]) == (False, "layout")
    assert "expected one map" in refused["message"]


def test_a_map_of_infinite_numbers_is_refused(tmp_path):
    values = np.full((16, 16), np.inf, np.float32)
    refused = inspect_model(fixed_output(tmp_path / "made.onnx", values), REQUEST)
    assert not refused["ok"]
