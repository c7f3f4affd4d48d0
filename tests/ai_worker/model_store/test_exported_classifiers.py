"""Classifiers and embeddings as other people's exporters write them: each says what was painted, or is refused."""

import time

import numpy as np
import onnx
import pytest
from onnx import helper

from ai_worker.inference.classify import read_crop
from ai_worker.inference.forward import forward
from ai_worker.inference.predictors import depth, embedding
from ai_worker.inference.preprocess import to_input
from ai_worker.inference.types import OpenStage
from ai_worker.model_intake.register import register_model
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.open_model import open_model
from ai_worker.model_store.open_onnx import PROVIDERS, open_session
from ai_worker.model_store.places import Place
from tests.support.make.inference import painted
from tests.support.networks import fixed_output, save
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.jobs import Stage
from trapper_schemas.v1.models import ModelRef

LABELS = ["red deer", "green lizard", "blue tit"]
PLAIN = {"mean": "0", "std": "1"}
WEIGHTS = np.asarray([[6, 0, 0], [0, 6, 0], [0, 0, 6]], np.float32)


def network(path, *nodes, outputs, batch="n", constants=None, dtype="float32", nhwc=False):
    """From a picture to the mean of each colour, under the name `means`, and on from there."""
    first = []
    value = "images"
    if nhwc:
        first.append(helper.make_node("Transpose", [value], ["turned"], perm=[0, 3, 1, 2]))
        value = "turned"
    first += [
        helper.make_node("GlobalAveragePool", [value], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["means"]),
    ]
    return save(
        path,
        [*first, *nodes],
        shape=[batch, 32, 32, 3] if nhwc else [batch, 3, 32, 32],
        outputs={name: [batch, *shape] for name, shape in outputs.items()},
        constants={"weights": WEIGHTS.astype(dtype), **(constants or {})},
        dtype=dtype,
    )


GEMM = helper.make_node("Gemm", ["means", "weights"], ["logits"])
SOFTMAX = helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1)
SIGMOID = helper.make_node("Sigmoid", ["logits"], ["scores"])


def brought(path, **request):
    entry, _, golden = register_model(
        path,
        {"name": "mine", "predictor": "classifier", "labels": LABELS, "preprocess": PLAIN} | request,
        clock=time.perf_counter,
    )
    return entry, golden


def said(path, entry, colour):
    model = ModelRef(name=entry.name, version=entry.version, sha256=entry.sha256)
    also = (entry.spec.embedding.output,) if entry.spec.embedding else ()
    session = open_session(path, providers=PROVIDERS["onnx-cpu"], also=also)
    stage = OpenStage(StageSpec(stage=Stage(kind=entry.kind, model=model), model=entry), session)
    pixels = painted([(0, 0, colour)], width=32, height=32)
    tensor, _ = to_input(pixels, entry.spec.preprocessing)
    return read_crop([forward(session, [tensor])[0]], (stage,))


def softmax(values):
    powers = np.exp(values - np.max(values))
    return powers / powers.sum()


def test_logits_alone(tmp_path):
    path = network(tmp_path / "m.onnx", GEMM, outputs={"logits": [3]})
    entry, _ = brought(path)
    assert entry.spec.activation == "softmax"
    assert said(path, entry, (0, 255, 0)).classification.probabilities == pytest.approx(
        softmax(np.asarray([0, 6.0, 0])), abs=1e-6
    )
    assert (entry.spec.embedding.output, entry.spec.embedding.dimension) == ("means", 3)


def test_probabilities_with_two_axes_more(tmp_path):
    """As fully convolutional classifiers end: batch, classes, 1, 1."""
    shape = helper.make_node("Reshape", ["probabilities", "four"], ["output"])
    path = network(
        tmp_path / "m.onnx",
        GEMM,
        SOFTMAX,
        shape,
        outputs={"output": [3, 1, 1]},
        constants={"four": np.asarray([0, 3, 1, 1], np.int64)},
    )
    entry, _ = brought(path)
    assert entry.spec.activation == "none"
    assert said(path, entry, (255, 0, 0)).classification.probabilities == pytest.approx(
        softmax(np.asarray([6.0, 0, 0])), abs=1e-6
    )


def test_a_sigmoid_for_each_class(tmp_path):
    path = network(tmp_path / "m.onnx", GEMM, SIGMOID, outputs={"scores": [3]})
    entry, _ = brought(path)
    assert entry.spec.activation == "none"
    expected = 1 / (1 + np.exp(-np.asarray([0, 0, 6.0])))
    assert said(path, entry, (0, 0, 255)).classification.probabilities == pytest.approx(expected, abs=1e-6)


def test_a_sigmoid_that_was_left_out_is_done_when_asked_for(tmp_path):
    path = network(tmp_path / "m.onnx", GEMM, outputs={"logits": [3]})
    entry, _ = brought(path, activation="sigmoid")
    expected = 1 / (1 + np.exp(-np.asarray([0, 0, 6.0])))
    assert said(path, entry, (0, 0, 255)).classification.probabilities == pytest.approx(expected, abs=1e-6)


def test_probabilities_rounded_to_eight_bits_are_not_softmaxed_again(tmp_path):
    scale, zero = np.asarray(1 / 256, np.float32), np.asarray(0, np.uint8)
    nodes = [
        helper.make_node("QuantizeLinear", ["probabilities", "scale", "zero"], ["bytes"]),
        helper.make_node("DequantizeLinear", ["bytes", "scale", "zero"], ["output"]),
    ]
    path = network(
        tmp_path / "m.onnx", GEMM, SOFTMAX, *nodes, outputs={"output": [3]}, constants={"scale": scale, "zero": zero}
    )
    entry, _ = brought(path)
    assert entry.spec.activation == "none"
    expected = softmax(np.asarray([6.0, 0, 0]))
    assert said(path, entry, (255, 0, 0)).classification.probabilities == pytest.approx(expected, abs=1 / 250)


@pytest.mark.parametrize("reverse", [False, True])
def test_logits_beside_features_whatever_their_order(tmp_path, reverse):
    features = helper.make_node("MatMul", ["means", "wide"], ["features"])
    outputs = {"logits": [3], "features": [16]}
    path = network(
        tmp_path / "m.onnx",
        GEMM,
        features,
        outputs=dict(list(outputs.items())[:: -1 if reverse else 1]),
        constants={"wide": np.ones((3, 16), np.float32)},
    )
    entry, _ = brought(path)
    assert (entry.spec.output, entry.spec.activation) == ("logits", "softmax")
    assert (entry.spec.embedding.output, entry.spec.embedding.dimension) == ("features", 16)
    assert said(path, entry, (255, 0, 0)).features == pytest.approx(np.ones(16), abs=1e-5)


def test_logits_beside_their_own_probabilities(tmp_path):
    path = network(tmp_path / "m.onnx", GEMM, SOFTMAX, outputs={"logits": [3], "probabilities": [3]})
    entry, _ = brought(path)
    assert (entry.spec.output, entry.spec.activation) == ("logits", "softmax")
    assert entry.spec.embedding.output == "means"


def test_half_precision_and_channels_last(tmp_path):
    path = network(tmp_path / "m.onnx", GEMM, outputs={"logits": [3]}, dtype="float16", nhwc=True, batch=1)
    entry, golden = brought(path)
    assert (entry.spec.preprocessing.layout, entry.spec.preprocessing.dtype) == ("nhwc", "float16")
    assert golden.precision == "float16"
    assert int(np.argmax(said(path, entry, (0, 255, 0)).classification.probabilities)) == 1


def test_bytes_go_in_as_they_are_although_the_family_has_a_mean(tmp_path):
    cast = helper.make_node("Cast", ["images"], ["numbers"], to=1)
    pool = helper.make_node("GlobalAveragePool", ["numbers"], ["pooled"])
    flat = helper.make_node("Flatten", ["pooled"], ["means"])
    path = tmp_path / "m.onnx"
    save(
        path,
        [cast, pool, flat, GEMM],
        shape=["n", 3, 32, 32],
        outputs={"logits": ["n", 3]},
        constants={"weights": WEIGHTS / 255},
    )
    model = onnx.load(str(path))
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    path.write_bytes(model.SerializeToString())
    entry, _ = brought(path, preprocess={})
    how = entry.spec.preprocessing
    assert (how.dtype, how.scale, how.mean, how.std) == ("uint8", 1.0, 0.0, 1.0)
    assert said(path, entry, (0, 255, 0)).classification.logits == pytest.approx([0, 6, 0], abs=1e-4)


def test_an_embedding_with_two_axes_more(tmp_path):
    path = save(
        tmp_path / "m.onnx",
        [helper.make_node("GlobalAveragePool", ["images"], ["features"])],
        shape=["n", 3, 32, 32],
        outputs={"features": ["n", 3, 1, 1]},
    )
    entry, golden = brought(path, predictor="embedding", labels=[])
    assert (entry.spec.embedding.output, entry.spec.embedding.dimension) == ("features", 3)
    assert [output.name for output in golden.inputs[0]] == ["features"]
    assert said(path, entry, (255, 0, 0)).features == pytest.approx([1, 0, 0], abs=1e-6)


def refused(path, **request):
    with pytest.raises(ModelRefused) as caught:
        brought(path, **request)
    return caught.value.reason, str(caught.value)


def test_labels_of_another_number_are_refused_with_both_numbers(tmp_path):
    path = network(tmp_path / "m.onnx", GEMM, outputs={"logits": [3]})
    reason, message = refused(path, labels=LABELS[:2])
    assert reason == "labels"
    assert "logits 3; 2 labels were given" in message


def test_two_heads_of_one_length_are_refused_unless_one_is_named(tmp_path):
    other = helper.make_node("Gemm", ["means", "other_weights"], ["behaviour"])
    species = helper.make_node("Identity", ["logits"], ["species"])
    path = network(
        tmp_path / "m.onnx",
        GEMM,
        species,
        other,
        outputs={"species": [3], "behaviour": [3]},
        constants={"other_weights": -WEIGHTS},
    )
    reason, message = refused(path)
    assert reason == "ambiguous"
    assert "--output species" in message
    assert brought(path, output="behaviour")[0].spec.output == "behaviour"
    assert refused(path, output="colour")[0] == "request"


def test_numbers_that_could_be_either_are_refused_unless_one_says_which(tmp_path):
    clip = helper.make_node("HardSigmoid", ["logits"], ["output"])
    path = network(tmp_path / "m.onnx", GEMM, clip, outputs={"output": [3]})
    reason, message = refused(path)
    assert reason == "ambiguous"
    assert "--activation softmax, or --activation none" in message
    assert brought(path, activation="none")[0].spec.activation == "none"


def test_logits_that_happen_to_add_up_to_one_are_not_taken_for_probabilities(tmp_path):
    constant = helper.make_node("Gemm", ["means", "nothing", "even"], ["output"])
    constants = {"nothing": np.zeros((3, 3), np.float32), "even": np.full(3, 1 / 3, np.float32)}
    path = network(tmp_path / "m.onnx", constant, outputs={"output": [3]}, constants=constants)
    assert refused(path)[0] == "ambiguous"


def test_infinite_features_are_refused_and_not_a_crash(tmp_path):
    path = fixed_output(tmp_path / "m.onnx", np.full(16, np.inf, np.float32), batch="n")
    assert refused(path, predictor="embedding", labels=[])[0] == "not-a-number"


@pytest.mark.parametrize("batch", [1, 4, "n"])
def test_several_crops_say_what_each_says_alone_in_any_order(tmp_path, batch):
    path = network(tmp_path / "m.onnx", GEMM, outputs={"logits": [3]}, batch=batch)
    entry, _ = brought(path)
    session = open_session(path, providers=PROVIDERS["onnx-cpu"], also=(entry.spec.embedding.output,))
    rng = np.random.default_rng(6)
    tensors = [
        to_input(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8), entry.spec.preprocessing)[0] for _ in range(7)
    ]
    alone = [forward(session, [tensor])[0] for tensor in tensors]
    order = rng.permutation(7)
    together = forward(session, [tensors[index] for index in order])
    for index, rows in zip(order, together, strict=True):
        for ours, expected in zip(rows, alone[index], strict=True):
            assert ours == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("batch", [1, 4, "n"])
@pytest.mark.parametrize("predictor", ["embedding", "depth"])
def test_features_and_maps_of_several_are_those_of_each_alone_in_any_order(tmp_path, predictor, batch):
    node = {
        "embedding": helper.make_node("GlobalAveragePool", ["images"], ["out"]),
        "depth": helper.make_node("ReduceMean", ["images"], ["out"], axes=[1], keepdims=0),
    }[predictor]
    shape = {"embedding": [batch, 3, 1, 1], "depth": [batch, 32, 32]}[predictor]
    path = save(tmp_path / "m.onnx", [node], shape=[batch, 3, 32, 32], outputs={"out": shape})
    entry, _ = brought(path, predictor=predictor, labels=[])
    session = open_session(path, providers=PROVIDERS["onnx-cpu"])
    rng = np.random.default_rng(7)
    pixels = [rng.integers(0, 256, (40, 50, 3), dtype=np.uint8) for _ in range(7)]
    tensors = [to_input(one, entry.spec.preprocessing)[0] for one in pixels]
    read = {
        "embedding": lambda rows: embedding.read(rows[0], 3),
        "depth": lambda rows: depth.read(rows, ["out"], entry.spec.output)[1],
    }[predictor]
    order = rng.permutation(7)
    together = forward(session, [tensors[index] for index in order])
    for index, rows in zip(order, together, strict=True):
        plain = tensors[index].mean(axis={"embedding": (1, 2), "depth": 0}[predictor])
        assert read(rows) == pytest.approx(plain, abs=1e-5)
        assert read(rows) == pytest.approx(read(forward(session, [tensors[index]])[0]), abs=1e-6)


@pytest.mark.parametrize("classes", [1, 1000])
def test_one_class_and_a_thousand(tmp_path, classes):
    rng = np.random.default_rng(8)
    path = network(
        tmp_path / "m.onnx",
        helper.make_node("Gemm", ["means", "wide"], ["logits"]),
        outputs={"logits": [classes]},
        constants={"wide": rng.normal(0, 3, (3, classes)).astype(np.float32)},
    )
    entry, _ = brought(path, labels=[f"thing {index}" for index in range(classes)])
    probabilities = said(path, entry, (255, 0, 0)).classification.probabilities
    assert len(probabilities) == classes
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


def quantised(path, classes, *, end):
    """As ONNX Runtime quantises a whole classifier: what comes out are bytes, or bytes turned back into numbers."""
    scale, zero = np.asarray(1 / 256, np.float32), np.asarray(0, np.uint8)
    wide = np.tile(WEIGHTS / 60, (1, classes // 3 + 1))[:, :classes]
    nodes = [
        helper.make_node("Gemm", ["means", "wide"], ["logits"]),
        helper.make_node("QuantizeLinear", ["logits", "scale", "zero"], ["bytes"]),
        helper.make_node(
            "QLinearSoftmax",
            ["bytes", "scale", "zero", "scale", "zero"],
            ["soft"],
            domain="com.microsoft",
            axis=-1,
            opset=17,
        ),
        helper.make_node("DequantizeLinear", ["soft", "scale", "zero"], ["output"]),
    ]
    network(path, *nodes, outputs={"output": [classes]}, constants={"wide": wide, "scale": scale, "zero": zero})
    model = onnx.load(str(path))
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    if end == "bytes":
        model.graph.output[0].name = "soft"
        model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    path.write_bytes(model.SerializeToString())
    return path


def test_a_softmax_in_whole_numbers_is_recognised_although_all_of_it_may_round_to_nothing(tmp_path):
    """Among a thousand classes a network that is unsure gives each less than one 256th."""
    path = quantised(tmp_path / "m.onnx", 1000, end="numbers")
    entry, _ = brought(path, labels=[f"thing {index}" for index in range(1000)])
    assert entry.spec.activation == "none"


def test_whole_numbers_that_nobody_turned_back_are_refused(tmp_path):
    reason, message = refused(quantised(tmp_path / "m.onnx", 3, end="bytes"))
    assert reason == "confidences"
    assert "uint8" in message
    assert "DequantizeLinear" in message


def test_a_graph_that_rounds_by_its_whole_batch_is_given_one_picture_at_a_time(tmp_path):
    """As ONNX Runtime quantises dynamically: its scale is that of the largest number in the batch."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["logits"], ["bytes", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["bytes", "scale", "zero"], ["output"]),
    ]
    path = network(tmp_path / "m.onnx", GEMM, *nodes, outputs={"output": [3]})
    entry, _ = brought(path)
    session = open_model(path, Place())
    assert session.input.shape[0] == 1
    tensors = [np.full((3, 32, 32), value, np.float32) for value in (0.001, 1.0)]
    alone = forward(session, tensors[:1])[0][0]
    assert alone.max() == pytest.approx(0.006, abs=1e-4)
    assert forward(session, tensors)[0][0].tolist() == alone.tolist()
    assert entry.spec.activation == "softmax"
