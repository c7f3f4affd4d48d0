"""No process in which a model runs looks up or connects to anything, or leaves files behind."""

import json
import os
import subprocess
import sys
import time

import pytest

from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.work import BatchWork, ChildSettings, ResourceWork, StageWork
from tests.support.make.inference import encoded, painted, resource_ref, stage_spec
from tests.support.networks import colour_detector
from tests.support.strace import NEEDS_STRACE, files_written, network_calls, strace_command, traced_python
from trapper_schemas.ids import uuid7

pytestmark = NEEDS_STRACE
PATIENCE = 2
"""Seconds after which telemetry would have begun."""
QUIET = ("ORT_DISABLE_TELEMETRY", "CI")
"""Variables under which the runtime says nothing by itself."""
PLAIN = """
import sys, time
import numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
session.run(None, {"images": numpy.zeros((1, 3, 128, 128), "f")})
time.sleep(3)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home and TMPDIR in which ONNX Runtime by itself has left events that it wants to send."""
    folder = tmp_path_factory.mktemp("home")
    network, log = colour_detector(folder / "m.onnx"), folder / "log"
    env = {name: value for name, value in os.environ.items() if name not in QUIET}
    env |= dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(folder))
    subprocess.run(strace_command(log, sys.executable, "-c", PLAIN, str(network)), env=env, check=True)
    assert files_written(log), "without our doing it writes; so the tests below would see it"
    return folder


@pytest.fixture(autouse=True)
def _at_home(home, monkeypatch):
    for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home))
    for name in QUIET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")


@pytest.fixture
def network(tmp_path):
    return colour_detector(tmp_path / "m.onnx")


async def test_the_process_that_runs_models_phones_nobody(tmp_path, network, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setattr(sys, "executable", str(traced_python(tmp_path, log)))
    stages = (StageWork(stage_spec(network), network),)
    work = BatchWork(uuid7(), 1, uuid7(), stages, (ResourceWork(resource_ref(), encoded(painted())),))
    async with InferenceChild(ChildSettings(threads=2)) as child:
        assert (await child.run(work)).seen == 1
        time.sleep(PATIENCE)  # noqa: ASYNC251 - the child is another process
    assert "/ai_worker/" in log.read_text()
    assert network_calls(log) == []
    assert files_written(log) == []


def test_trying_a_model_that_somebody_brought_phones_nobody(tmp_path, network):
    log = tmp_path / "log"
    request = {"name": "mine", "predictor": "yolov8", "labels": ["animal", "person", "vehicle"]}
    command = strace_command(log, sys.executable, "-m", "ai_worker.commands", "inspect-model", str(network))
    done = subprocess.run(command, input=json.dumps(request).encode(), capture_output=True, check=True)
    assert json.loads(done.stdout)["ok"]
    assert network_calls(log) == []
    assert files_written(log) == []


def test_models_test_phones_nobody(tmp_path, network):
    log, photo = tmp_path / "log", tmp_path / "photo.png"
    photo.write_bytes(encoded(painted()))
    entry = stage_spec(network).model.model_dump(mode="json")
    order = {"weights": str(network), "entry": entry, "files": [str(photo)], "threads": 1}
    command = strace_command(log, sys.executable, "-m", "ai_worker.devices.try_model")
    done = subprocess.run(command, input=json.dumps(order).encode(), capture_output=True, check=True)
    assert json.loads(done.stdout)["ok"]
    assert network_calls(log) == []
    assert files_written(log) == []
