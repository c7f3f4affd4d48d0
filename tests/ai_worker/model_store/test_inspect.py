import pickle
import zipfile

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.inspect import check_file
from tests.support.networks import colour_classifier, colour_detector, fixed_output, save


class Poison:
    def __reduce__(self):
        return (print, ("a pickle was opened",))


def refused(path):
    with pytest.raises(ModelRefused) as caught:
        check_file(path)
    assert str(path.parent) not in str(caught.value)
    return caught.value


def test_the_file_tells_its_size_names_and_layout(tmp_path):
    facts = check_file(colour_detector(tmp_path / "m.onnx"))
    assert (facts.width, facts.height, facts.layout) == (128, 128, "nchw")
    assert facts.names == ("animal", "person", "vehicle")
    assert facts.image_size == (128, 128)
    assert facts.input.shape == (None, 3, 128, 128)


def test_channels_last_is_seen(tmp_path):
    facts = check_file(fixed_output(tmp_path / "m.onnx", np.zeros((7, 5), np.float32), nhwc=True))
    assert facts.layout == "nhwc"


def test_the_features_before_the_last_layer_are_found(tmp_path):
    facts = check_file(colour_classifier(tmp_path / "m.onnx", softmax=True, embedding=False))
    assert facts.inner_features == {"probabilities": "embedding"}
    assert facts.last_operators == {"probabilities": "Softmax"}


def test_a_pickle_is_named_and_never_opened(tmp_path, capsys):
    path = tmp_path / "model.pt"
    path.write_bytes(pickle.dumps(Poison()))
    problem = refused(path)
    assert problem.reason == "not-onnx"
    assert "pickle" in str(problem)
    assert capsys.readouterr().out == ""


def test_a_checkpoint_in_a_zip_is_named(tmp_path):
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Poison()))
    assert "zip archive, as PyTorch checkpoints are" in str(refused(path))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"hello world, this is no model", "cannot be parsed"),
        (bytes(range(256)), "cannot be parsed"),
        (onnx.ModelProto(ir_version=8).SerializeToString(), "has no graph"),
    ],
)
def test_what_is_not_onnx_is_told(tmp_path, content, sentence):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    problem = refused(path)
    assert problem.reason == "not-onnx"
    assert sentence in str(problem)


def test_half_a_file_is_told(tmp_path):
    path = colour_detector(tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes()[:-200])
    assert refused(path).reason == "not-onnx"


def test_weights_in_another_file_are_refused(tmp_path):
    path = fixed_output(tmp_path / "m.onnx", np.zeros((7, 5000), np.float32))
    model = onnx.load(str(path))
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "values")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    path.write_bytes(model.SerializeToString())
    problem = refused(path)
    assert problem.reason == "external-data"
    assert "values" in str(problem)


def test_external_data_inside_a_branch_is_seen_too(tmp_path):
    constant = numpy_helper.from_array(np.ones((1, 3), np.float32), "hidden")
    constant.ClearField("raw_data")
    constant.data_location = TensorProto.EXTERNAL
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 3])
    branch = helper.make_graph([helper.make_node("Constant", [], ["out"], value=constant)], "branch", [], [out])
    yes = numpy_helper.from_array(np.asarray([True]), "")
    nodes = [
        helper.make_node("Constant", [], ["yes"], value=yes),
        helper.make_node("If", ["yes"], ["output"], then_branch=branch, else_branch=branch),
    ]
    path = save(tmp_path / "m.onnx", nodes, shape=[1, 3, 32, 32], outputs={"output": [1, 3]})
    assert refused(path).reason == "external-data"


def test_operators_of_others_are_refused(tmp_path):
    nodes = [helper.make_node("Evil", ["images"], ["output"], domain="com.example")]
    path = save(
        tmp_path / "m.onnx",
        nodes,
        shape=[1, 3, 32, 32],
        outputs={"output": [1, 3]},
        opsets={"": 17, "com.example": 1},
    )
    problem = refused(path)
    assert problem.reason == "custom-operators"
    assert "com.example.Evil" in str(problem)


def test_functions_of_its_own_are_refused(tmp_path):
    path = colour_classifier(tmp_path / "m.onnx")
    model = onnx.load(str(path))
    model.functions.append(
        helper.make_function(
            "mine", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], [helper.make_opsetid("", 17)]
        )
    )
    path.write_bytes(model.SerializeToString())
    assert "mine.Twice" in str(refused(path))


@pytest.mark.parametrize(
    ("shape", "reason", "sentence"),
    [
        ([1, 3, 5000, 5000], "too-many-pixels", "5000 x 5000"),
        ([1, 1, 64, 64], "inputs", "1x1x64x64; expected three colour channels"),
        ([1, 64], "inputs", "2 axes; expected 4"),
    ],
)
def test_an_input_that_is_no_picture_of_bearable_size_is_refused(tmp_path, shape, reason, sentence):
    path = save(
        tmp_path / "m.onnx", [helper.make_node("Identity", ["images"], ["o"])], shape=shape, outputs={"o": shape}
    )
    problem = refused(path)
    assert problem.reason == reason
    assert sentence in str(problem)


def test_two_inputs_are_refused(tmp_path):
    path = colour_classifier(tmp_path / "m.onnx")
    model = onnx.load(str(path))
    model.graph.input.append(helper.make_tensor_value_info("sizes", TensorProto.INT64, [1, 2]))
    path.write_bytes(model.SerializeToString())
    assert "2 inputs were seen (images, sizes)" in str(refused(path))


def test_hostile_metadata_is_as_if_there_were_none(tmp_path):
    for names in ("__import__('os').system('true')", "{" * 5000, "{0: 'a', 7: 'b'}", "[1, 2"):
        path = fixed_output(tmp_path / "m.onnx", np.zeros((7, 5), np.float32), metadata={"names": names})
        assert check_file(path).names == ()


def test_a_bias_that_stands_first_does_not_hide_the_last_layer(tmp_path):
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["features"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["features", "weights"], ["product"]),
        helper.make_node("Add", ["bias", "product"], ["logits"]),
    ]
    constants = {"weights": np.eye(3, dtype=np.float32), "bias": np.zeros(3, np.float32)}
    path = save(tmp_path / "m.onnx", nodes, shape=[1, 3, 32, 32], outputs={"logits": [1, 3]}, constants=constants)
    assert check_file(path).inner_features == {"logits": "features"}
