"""Files that mean harm, or were broken on the way, refused before anything runs them."""

import contextlib
import pickle
import tarfile

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ai_worker.model_store import scan
from ai_worker.model_store.errors import ModelRefused
from ai_worker.model_store.inspect import check_file
from tests.support.networks import colour_classifier, colour_detector, fixed_output, save


def refused(path):
    with pytest.raises(ModelRefused) as caught:
        check_file(path)
    return caught.value.reason, str(caught.value)


def changed(path, change):
    model = onnx.load(str(path))
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def field(number, content):
    """One length-delimited field of a protobuf message."""
    length, told = len(content), b""
    while length > 0x7F:
        told += bytes([length & 0x7F | 0x80])
        length >>= 7
    return bytes([number << 3 | 2]) + told + bytes([length]) + content


def test_empty_messages_in_a_small_file_are_counted_and_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(scan, "MAX_FIELDS", 100_000)
    monkeypatch.setattr(onnx, "load", None)
    bomb = tmp_path / "bomb.onnx"
    bomb.write_bytes(b"\x08\x08" + field(7, field(1, b"") * (scan.MAX_FIELDS + 1)))
    reason, message = refused(bomb)
    assert reason == "too-large"
    assert f"more than {scan.MAX_FIELDS} fields" in message


@pytest.mark.parametrize("place", [(12, 2, 1, 2, 1), (5, 6), (1, 5, 6, 1, 1)], ids=["shapes", "texts", "branches"])
def test_messages_are_counted_wherever_they_hide(tmp_path, monkeypatch, place):
    """In the dimensions of an output, in the texts of a tensor, in the nodes of a branch."""
    monkeypatch.setattr(scan, "MAX_FIELDS", 1000)
    content = field(place[-1], b"") * 1001
    for number in reversed(place[:-1]):
        content = field(number, content)
    bomb = tmp_path / "bomb.onnx"
    bomb.write_bytes(field(7, content))
    assert refused(bomb)[0] == "too-large"


def test_graphs_inside_graphs_without_end_are_refused(tmp_path):
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])
    one = numpy_helper.from_array(np.ones(1, np.float32), "one")
    yes = numpy_helper.from_array(np.asarray(True), "yes")
    branch = helper.make_graph([helper.make_node("Identity", ["one"], ["out"])], "end", [], [out], [one])
    for _ in range(12):
        node = helper.make_node("If", ["yes"], ["out"], then_branch=branch, else_branch=branch)
        branch = helper.make_graph([node], "branch", [], [out], [yes])
        if len(branch.SerializeToString()) > 1_000_000:
            break
    path = save(
        tmp_path / "m.onnx",
        [helper.make_node("If", ["yes"], ["output"], then_branch=branch, else_branch=branch)],
        shape=[1, 3, 32, 32],
        outputs={"output": [1]},
        constants={"yes": np.asarray(True)},
    )
    assert refused(path) == ("too-large", "graphs inside graphs more than 8 deep")


def test_nesting_that_is_no_graph_at_all_is_refused(tmp_path):
    content = b""
    for _ in range(3000):
        content = field(4, field(1, content))  # a sequence of sequences of sequences
    path = tmp_path / "m.onnx"
    path.write_bytes(field(7, field(11, field(2, content))))
    assert refused(path)[0] == "too-large"


def test_a_foreign_operator_inside_a_branch_of_a_loop_is_seen(tmp_path):
    foreign = helper.make_node("Evil", ["state"], ["next"], domain="org.example")
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), foreign],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [1]),
        ],
    )
    nodes = [helper.make_node("Loop", ["", "yes", "start"], ["output"], body=body)]
    constants = {"yes": np.asarray(True), "start": np.ones(1, np.float32)}
    path = save(tmp_path / "m.onnx", nodes, shape=[1, 3, 32, 32], outputs={"output": [1]}, constants=constants)
    reason, message = refused(path)
    assert reason == "custom-operators"
    assert "org.example.Evil" in message


@pytest.mark.parametrize("operator", ["EPContext", "PythonOp"])
def test_operators_of_microsoft_that_reach_for_files_or_code_are_refused(tmp_path, operator):
    nodes = [helper.make_node(operator, ["images"], ["output"], domain="com.microsoft")]
    path = save(
        tmp_path / "m.onnx",
        nodes,
        shape=[1, 3, 32, 32],
        outputs={"output": [1]},
        opsets={"": 17, "com.microsoft": 1},
    )
    assert refused(path)[0] == "custom-operators"


def test_graphs_for_training_are_refused(tmp_path):
    path = changed(colour_classifier(tmp_path / "m.onnx"), lambda model: model.training_info.add())
    assert "for training" in refused(path)[1]


@pytest.mark.parametrize("place", ["initializer", "sparse initializer", "sparse constant"])
def test_weights_beside_the_file_are_refused_wherever_they_are_named(tmp_path, place):
    outside = TensorProto(name="outside", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    outside.external_data.add(key="location", value="../../../etc/passwd")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "where")
    sparse = onnx.SparseTensorProto(values=outside, indices=indices, dims=[3])

    def change(model):
        if place == "initializer":
            model.graph.initializer.append(outside)
        elif place == "sparse initializer":
            model.graph.sparse_initializer.append(sparse)
        else:
            node = model.graph.node.add(op_type="Constant", output=["secret"])
            node.attribute.add(name="sparse_value", type=onnx.AttributeProto.SPARSE_TENSOR).sparse_tensor.CopyFrom(
                sparse
            )

    path = changed(fixed_output(tmp_path / "m.onnx", np.zeros((7, 5))), change)
    reason, message = refused(path)
    assert reason == "external-data"
    assert "outside lie in another file" in message


@pytest.mark.parametrize("dims", [[1_000_000, 1_000_000], [-1, 3], [2**62, 2**62]])
def test_weights_that_claim_more_than_the_file_holds_are_refused(tmp_path, dims):
    claim = TensorProto(name="claim", data_type=TensorProto.FLOAT, dims=dims, raw_data=b"\0" * 16)
    path = changed(
        fixed_output(tmp_path / "m.onnx", np.zeros((7, 5))), lambda model: model.graph.initializer.append(claim)
    )
    reason, message = refused(path)
    assert reason == "weights"
    assert f"claim is said to be {dims[0]}x{dims[1]}" in message


def test_a_batch_of_enormous_size_is_refused(tmp_path):
    path = colour_detector(tmp_path / "m.onnx", batch=1_000_000)
    reason, message = refused(path)
    assert reason == "too-many-pixels"
    assert "1000000 pictures of 128 x 128" in message


def test_more_operators_than_any_network_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("ai_worker.model_store.check_graph.MAX_NODES", 100)
    nodes = [helper.make_node("Identity", ["images"], [f"v{index}"]) for index in range(101)]
    path = save(tmp_path / "m.onnx", nodes, shape=[1, 3, 32, 32], outputs={"v0": [1, 3, 32, 32]})
    assert refused(path) == ("too-large", "more than 100 operators")


class Poison:
    def __reduce__(self):
        return (open, ("/nowhere/opened", "w"))


def test_a_tar_with_a_pickle_and_bare_pickles_of_every_protocol_are_never_opened(tmp_path):
    content = tmp_path / "data.pkl"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        content.write_bytes(pickle.dumps(Poison(), protocol=protocol))
        assert refused(content)[0] == "not-onnx"
    archive = tmp_path / "model.pth"
    with tarfile.open(archive, "w") as tar:
        tar.add(content, "archive/data.pkl")
    assert refused(archive)[0] == "not-onnx"


@pytest.mark.parametrize("cut", [1, 17, 100, 1000])
def test_files_that_end_too_soon_or_were_mangled_are_refused_and_never_raise_anything_else(tmp_path, cut):
    path = colour_detector(tmp_path / "m.onnx")
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert refused(path)[0] in {"not-onnx", "weights", "inputs", "custom-operators"}
    rng = np.random.default_rng(cut)
    for _ in range(60):
        mangled = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            mangled[place] = int(rng.integers(0, 256))
        path.write_bytes(bytes(mangled))
        with contextlib.suppress(ModelRefused):
            check_file(path)


@pytest.mark.parametrize(
    ("shape", "first", "layout"),
    [
        ([1, 3, 64, 3], helper.make_node("Transpose", ["images"], ["v"], perm=[0, 3, 1, 2]), "nhwc"),
        ([1, 3, 64, 3], helper.make_node("GlobalAveragePool", ["images"], ["v"]), "nchw"),
        (["b", "c", "h", "w"], helper.make_node("MaxPool", ["images"], ["v"], kernel_shape=[2, 2]), "nchw"),
        (["b", "h", "w", "c"], helper.make_node("Transpose", ["images"], ["v"], perm=[0, 3, 1, 2]), "nhwc"),
        (["b", "c", "h", "w"], helper.make_node("Relu", ["images"], ["v"]), ""),
        ([1, None, 64, 48], helper.make_node("Relu", ["images"], ["v"]), "nchw"),
    ],
)
def test_where_the_colours_are_is_told_by_the_shape_or_else_by_the_first_operator(tmp_path, shape, first, layout):
    path = save(tmp_path / "m.onnx", [first], shape=shape, outputs={"v": ["a", "b", "c", "d"]})
    assert check_file(path).layout == layout


def test_a_graph_that_bites_its_tail_does_not_hold_the_inspection_up(tmp_path):
    enqueue_after_commit = [helper.make_node("Identity", ["b"], ["a"]), helper.make_node("Identity", ["a"], ["b"])]
    path = save(tmp_path / "m.onnx", enqueue_after_commit, shape=[1, 3, 32, 32], outputs={"a": [1, 3]})
    assert check_file(path).last_operators == {"a": ""}


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ([helper.make_tensor_value_info(f"o{index}", TensorProto.FLOAT, [1]) for index in range(300)], "300 outputs"),
        ([helper.make_tensor_value_info("o" * 300, TensorProto.FLOAT, [1])], "longer than 200"),
        ([helper.make_tensor_sequence_value_info("o", TensorProto.FLOAT, [1])], "o is a list or a map"),
    ],
    ids=["too many", "too long a name", "a list"],
)
def test_outputs_that_nobody_could_read_are_refused(tmp_path, outputs, sentence):
    def change(model):
        del model.graph.output[:]
        model.graph.output.extend(outputs)

    reason, message = refused(changed(fixed_output(tmp_path / "m.onnx", np.zeros((7, 5))), change))
    assert reason == "outputs"
    assert sentence in message
