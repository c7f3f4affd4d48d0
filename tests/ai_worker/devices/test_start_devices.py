"""A worker computes on what was asked for or not at all, unless it was told otherwise, and shows it at the start."""

import asyncio

import numpy as np
import pytest

from ai_worker import tasks
from ai_worker.app import info
from ai_worker.commands import FAILED, doctor, main
from ai_worker.devices import start_devices, try_device
from ai_worker.devices.hardware import Hardware
from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.start_devices import Chosen, RuntimeUnavailable, choose_devices
from ai_worker.devices.work import CannotRun, ChildSettings, InferenceDied
from ai_worker.model_store.errors import ProviderUnavailable
from ai_worker.model_store.places import Place
from ai_worker.tasks import work_until
from tests.support.make.ai_worker import open_worker, worker_settings, write_credential
from tests.support.workers import eventually
from trapper_schemas.read_results import read_results

BUILT_FOR_CUDA = ("onnx-cuda", "onnx-cpu")
"""What onnxruntime-gpu says everywhere; here there is no card, so that its inference process really cannot."""


@pytest.fixture
def built_for_cuda(monkeypatch):
    monkeypatch.setattr(start_devices, "offered_runtimes", lambda: BUILT_FOR_CUDA)


@pytest.fixture
def enrolled_for_all(monkeypatch):
    monkeypatch.setattr(start_devices, "_check_enrolled", lambda *_: None)


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.setenv("AI_WORKER_STATE_DIR", str(tmp_path / "state"))
    return worker_settings(tmp_path / "state")


async def test_the_processor_shows_that_it_computes():
    async with InferenceChild(ChildSettings()) as child:
        trial = await child.test_device()
    assert (trial.provider, trial.device, trial.difference) == ("CPUExecutionProvider", "cpu", 0)
    assert trial.seconds > 0


def test_a_device_that_computes_other_numbers_is_no_device(monkeypatch):
    real = try_device.open_model

    class Wrong:
        provider = device = "wrong"

        def __init__(self, factor):
            self.factor = factor

        def run(self, picture):
            return [real_session.run(picture)[0] * self.factor]

    def open_wrong(path, place, factor):
        nonlocal real_session
        real_session = real(path, Place())
        return Wrong(factor) if place.runtime == "onnx-cuda" else real_session

    real_session = None
    for factor in (1.06, -1, np.nan, np.inf):
        monkeypatch.setattr(try_device, "open_model", lambda path, place, by=factor: open_wrong(path, place, by))
        with pytest.raises(CannotRun, match="computes other numbers"):
            try_device.try_device(Place("onnx-cuda", "cuda:0"))
    monkeypatch.setattr(try_device, "open_model", lambda path, place: open_wrong(path, place, 1.001))
    assert try_device.try_device(Place("onnx-cuda", "cuda:0"))["difference"] < 0.01


def test_a_device_that_opens_and_does_not_compute_is_told(monkeypatch):
    class Lost:
        provider = "CUDAExecutionProvider"

        def run(self, _picture):
            raise RuntimeError("CUDA failure 999: unknown error\nat cuda_call.cc")

    real = try_device.open_model
    monkeypatch.setattr(
        try_device, "open_model", lambda path, place: Lost() if place.runtime == "onnx-cuda" else real(path, place)
    )
    with pytest.raises(ProviderUnavailable, match=r"does not compute: CUDA failure 999: unknown error$"):
        try_device.try_device(Place("onnx-cuda", "cuda:0"))


@pytest.mark.usefixtures("built_for_cuda", "enrolled_for_all")
def test_a_worker_whose_card_does_not_compute_refuses_to_start_and_says_why(environment, capsys, monkeypatch):
    write_credential(environment)
    monkeypatch.setenv("AI_WORKER_RUNTIME", "onnx-cuda")
    assert main(["run", "--port", "0"]) == FAILED
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("trapper-worker: onnx-cuda does not run on cuda:0: CUDAExecutionProvider was asked for")


@pytest.mark.usefixtures("built_for_cuda", "enrolled_for_all")
async def test_told_otherwise_the_processor_stands_in_and_everything_says_so(manager, pictures, stage, worker):
    job_id = await manager.submit([stage], pictures.photos([1]), origins=[pictures.url])
    async with worker(runtime="onnx-cuda", fall_back_to_cpu=True) as working:
        assert (await manager.closed(job_id)).counts.done == 1
        told = await info(working.work)
    (blob,) = await manager.blobs(job_id)
    (run,) = read_results(blob).stages
    assert (run.runtime, run.provider, run.device) == ("onnx-cpu", "CPUExecutionProvider", "cpu")
    assert (run.precision, run.checksum) == ("float32", told.models_proved[0].checksum)
    assert (told.runtime, told.instead_of) == ("onnx-cpu", "onnx-cuda")
    assert "CUDAExecutionProvider was asked for" in told.because
    assert told.devices[0].computes_on == "CPUExecutionProvider, cpu"


async def test_the_start_shows_devices_and_what_they_are(worker, manager):
    async with worker() as working:
        await eventually(lambda: working.work.devices.ready)
        told = await info(working.work)
    (device,) = told.devices
    assert (device.name, device.computes_on) == ("cpu", "CPUExecutionProvider, cpu")
    assert device.memory_bytes > told.memory_bytes > 0
    assert (told.instead_of, told.because) == (None, None)


async def choose(tmp_path, *enrolled_for, **changes):
    return await choose_devices(worker_settings(tmp_path, **changes), enrolled_for)


async def test_what_is_not_installed_is_refused_or_replaced_as_the_setting_says(tmp_path):
    with pytest.raises(RuntimeUnavailable, match=r"asked for onnx-cuda; this installation offers onnx-cpu"):
        await choose(tmp_path, runtime="onnx-cuda")
    with pytest.raises(RuntimeUnavailable, match="asked for cuda:1"):
        await choose(tmp_path, devices=["cuda:1"])
    chosen = await choose(tmp_path, devices=["cuda:1"], fall_back_to_cpu=True)
    assert (chosen.runtime, chosen.devices, chosen.instead_of) == ("onnx-cpu", ("cpu",), "cuda:1")
    assert "asked for cuda:1" in chosen.because


async def test_a_misspelt_runtime_is_never_replaced(tmp_path):
    with pytest.raises(RuntimeUnavailable, match="asked for onnx-cudda"):
        await choose(tmp_path, runtime="onnx-cudda", fall_back_to_cpu=True)


async def test_who_asks_for_nothing_gets_the_best_that_is_here_and_was_enrolled(tmp_path, built_for_cuda):
    assert (await choose(tmp_path)).runtime == "onnx-cuda"
    assert (await choose(tmp_path, "onnx-cpu", "onnx-cuda")).runtime == "onnx-cuda"
    assert (await choose(tmp_path, "onnx-cpu")).runtime == "onnx-cpu"


async def test_a_runtime_that_the_credential_does_not_cover_is_told_at_the_start(tmp_path, built_for_cuda):
    with pytest.raises(RuntimeUnavailable, match=r"onnx-cuda was chosen, and this worker is enrolled for onnx-cpu"):
        await choose(tmp_path, "onnx-cpu", runtime="onnx-cuda")
    with pytest.raises(RuntimeUnavailable, match=r"onnx-cpu was chosen, and this worker is enrolled for hailo"):
        await choose(tmp_path, "hailo", runtime="onnx-openvino", fall_back_to_cpu=True)


async def test_where_nothing_computes_nothing_stands_in(tmp_path, monkeypatch):
    async def dead(self):
        raise InferenceDied("the inference process left with code 1")

    monkeypatch.setattr(start_devices.Children, "start", dead)
    settings = worker_settings(tmp_path, fall_back_to_cpu=True)
    chosen = Chosen("onnx-cuda", ("cuda:0",), {"cuda:0": Hardware()})
    children = start_devices.children_of(settings, chosen)
    with pytest.raises(RuntimeUnavailable, match=r"neither onnx-cuda nor the processor runs models: .*code 1"):
        await start_devices.start_devices(settings, (), chosen, children)


async def test_who_is_stopped_while_a_device_starts_does_not_wait_for_it(tmp_path, monkeypatch):
    began, stopping = asyncio.Event(), asyncio.Event()

    async def for_ever(*_):
        began.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(tasks, "start_devices", for_ever)
    async with open_worker(tmp_path) as work:
        working = asyncio.create_task(work_until(work, stopping))
        await began.wait()
        stopping.set()
        assert await working is True
        assert not work.devices.ready


def test_doctor_tries_the_devices(environment, built_for_cuda, capsys, monkeypatch):
    assert main(["doctor"]) == FAILED
    said = capsys.readouterr().out
    assert "ILL  devices: onnx-cuda does not run on cuda:0" in said
    monkeypatch.setenv("AI_WORKER_FALL_BACK_TO_CPU", "true")
    assert main(["doctor"]) == FAILED
    assert "the processor is used instead" in capsys.readouterr().out
    monkeypatch.setenv("AI_WORKER_RUNTIME", "onnx-cpu")
    main(["doctor"])
    assert "ok   devices: cpu: CPUExecutionProvider, " in capsys.readouterr().out


async def test_doctor_leaves_the_devices_of_a_worker_that_runs_alone(tmp_path, monkeypatch):
    """Some devices can be had once only, and the memory of all of them is somebody's."""
    monkeypatch.setattr(doctor, "start_devices", None)
    async with open_worker(tmp_path) as work:
        (finding,) = [one for one in await doctor.examine(work.settings) if one.name == "devices"]
    assert finding.ok
    assert "a worker runs in this folder" in finding.found


def test_two_onnx_runtimes_in_one_environment_are_told(environment, capsys, monkeypatch):
    class Installed:
        version = "1.31.1"

        def __init__(self, name):
            self.metadata = {"Name": name}

    both = [Installed(name) for name in ("onnxruntime-gpu", "numpy", "onnxruntime")]
    monkeypatch.setattr(doctor, "distributions", lambda: both)
    assert main(["doctor"]) == FAILED
    assert "ILL  runtime: onnxruntime 1.31.1 and onnxruntime-gpu 1.31.1 are installed" in capsys.readouterr().out
