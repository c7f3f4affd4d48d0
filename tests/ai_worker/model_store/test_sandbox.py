"""Files that mean harm, tried as the command tries them: each limit bites, and nothing stays behind."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from ai_worker.model_intake.inspect_model import Allowance, inspect_model
from tests.support.networks import colour_detector, endless, fixed_output, save

LABELS = ["animal", "person", "vehicle"]
REQUEST = {"name": "mine", "predictor": "yolov8", "labels": LABELS}
LINUX = sys.platform == "linux"
NO_FILTER = "this machine's system has no filter for system calls"


def tried(path, **allowance):
    return inspect_model(path, REQUEST, allowance=Allowance(**allowance))


def enlarged(path, *, gigabytes):
    """A picture resized to so many bytes, and added up so that the file's own output is small."""
    side = int((gigabytes * 1e9 / 4 / 3) ** 0.5)
    nodes = [
        helper.make_node("Resize", ["images", "", "", "sizes"], ["large"], mode="nearest"),
        helper.make_node("ReduceMean", ["large"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Reshape", ["mean", "shape"], ["output"]),
    ]
    return save(
        path,
        nodes,
        shape=[1, 3, 64, 64],
        outputs={"output": [1, 3, 1]},
        constants={"sizes": np.asarray([1, 3, side, side], np.int64), "shape": np.asarray([1, 3, 1], np.int64)},
    )


@pytest.fixture(autouse=True)
def nothing_stays_behind(tmp_path, monkeypatch):
    """Folders of trials lie where the test can look."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    yield
    assert list(scratch.iterdir()) == []


def test_a_loop_that_never_ends_is_stopped_by_the_clock(tmp_path):
    answer = tried(endless(tmp_path / "m.onnx"), wall_seconds=6)
    assert answer == {"ok": False, "reason": "limits", "message": "trying the model took longer than 6 s"}


@pytest.mark.skipif(not LINUX, reason="this machine's system counts processor time otherwise")
def test_a_loop_that_never_ends_is_stopped_by_its_processor_time(tmp_path):
    answer = tried(endless(tmp_path / "m.onnx"), cpu_seconds=4)
    assert answer["reason"] == "limits"
    assert "more than 4 s of processor time" in answer["message"]


def test_a_graph_that_wants_a_hundred_gigabytes_is_stopped(tmp_path):
    answer = tried(enlarged(tmp_path / "m.onnx", gigabytes=100))
    assert answer["reason"] == "limits"
    assert "memory" in answer["message"]


def test_a_graph_that_fits_the_machine_but_not_the_limit_is_stopped(tmp_path):
    allowed = 1_200_000_000
    answer = tried(enlarged(tmp_path / "m.onnx", gigabytes=2), memory_bytes=allowed)
    assert answer["reason"] == "limits"
    assert tried(colour_detector(tmp_path / "small.onnx"), memory_bytes=allowed)["ok"]


def test_a_sparse_tensor_that_unpacks_to_more_than_there_is_is_refused_before_it_does(tmp_path):
    path = fixed_output(tmp_path / "m.onnx", np.zeros((7, 5)))
    add_sparse(path, dims=[200_000, 200_000])
    answer = tried(path)
    assert answer["reason"] == "too-large"
    assert "sparse tensor of 200000x200000" in answer["message"]


def add_sparse(path, *, dims):
    model = onnx.load(str(path))
    values = numpy_helper.from_array(np.ones(1, np.float32), "sparse")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "")
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, dims))
    path.write_bytes(model.SerializeToString())


def test_what_is_well_is_tried_and_told_what_it_was_tried_under(tmp_path):
    answer = tried(colour_detector(tmp_path / "m.onnx"))
    assert answer["ok"], answer
    holds = answer["proof"]["sandbox"]
    assert "watched" in holds["memory"]
    assert "python" in holds["network"]
    if LINUX:
        assert "limit" in holds["memory"]
        assert holds["cpu"] == ["limit"]


TRIES = """
import ctypes, json, os, socket, subprocess, sys
from ai_worker.confinement.confine import confine_inspection
holds = confine_inspection(memory_bytes=8 << 30, cpu_seconds=600)
told = {}
def attempt(name, do):
    try:
        do()
        told[name] = "went through"
    except OSError as problem:
        told[name] = type(problem).__name__
attempt("socket", lambda: socket.socket())
attempt("name", lambda: socket.getaddrinfo("example.org", 80))
attempt("program", lambda: subprocess.run(["true"]))
attempt("file", lambda: open("made", "w"))
attempt("removal", lambda: os.remove(sys.argv[1]))
libc = ctypes.CDLL(None, use_errno=True)
native = {
    "socket": libc.socket(2, 1, 0),
    "file": libc.open(b"made", os.O_CREAT | os.O_WRONLY, 0o644),
    "removal": libc.unlink(sys.argv[1].encode()),
    "renaming": libc.rename(sys.argv[1].encode(), b"other"),
    "fork": libc.fork(),
    "signal": libc.kill(os.getppid(), 0),
    "reading": min(0, libc.open(sys.argv[1].encode(), os.O_RDONLY)),
}
if native["fork"] == 0:
    os._exit(0)
print(json.dumps([holds, told, native, dict(os.environ), os.listdir()]))
"""


@pytest.fixture(scope="module")
def tries(tmp_path_factory):
    """What can be done from inside: through Python, and past it."""
    folder = tmp_path_factory.mktemp("tries")
    (folder / "empty").mkdir()
    (folder / "precious").write_text("kept")
    done = subprocess.run(
        [sys.executable, "-c", TRIES, str(folder / "precious")],
        cwd=folder / "empty",
        env={"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    assert (folder / "precious").read_text() == "kept"
    assert list((folder / "empty").iterdir()) == []
    return json.loads(done.stdout)


def test_python_can_reach_no_network_start_nothing_and_change_nothing(tries):
    assert tries[1] == dict.fromkeys(("socket", "name", "program", "file", "removal"), "PermissionError")


def test_native_code_can_do_so_no_more(tries):
    if "seccomp" not in tries[0]["network"]:
        pytest.skip(NO_FILTER)
    assert tries[2] == {**dict.fromkeys(("socket", "file", "removal", "renaming", "fork", "signal"), -1), "reading": 0}


def test_the_environment_holds_nothing_and_the_folder_is_empty(tmp_path, monkeypatch):
    """Seen by the real trial, whose command is replaced by one that tells what it finds."""
    monkeypatch.setenv("AI_WORKER_SECRET", "hush")
    teller = tmp_path / "teller"
    teller.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        "sys.stdin.read()\n"
        "print(json.dumps({'ok': True, 'environment': dict(os.environ), 'folder': os.listdir(), 'at': os.getcwd()}))\n"
    )
    teller.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(teller))
    answer = tried(colour_detector(tmp_path / "m.onnx"))
    assert answer["folder"] == []
    assert not {name for name in answer["environment"] if name.startswith("AI_WORKER")}
    assert not Path(answer["at"]).exists()
    assert os.environ["AI_WORKER_SECRET"] == "hush"
