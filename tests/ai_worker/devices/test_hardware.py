"""What a device is and how much memory it has, asked of programs that behave as the drivers' do, or fail as they do."""

import os
from pathlib import Path

import pytest

from ai_worker.devices import hardware, start_devices
from ai_worker.devices.hardware import Hardware, every_device, hardware_of, machine_memory
from ai_worker.devices.start_devices import Chosen, children_of, model_memory
from tests.support.make.ai_worker import worker_settings

GIB = 1024**3
L4, A2 = Hardware("NVIDIA L4", 23034 * 1024**2), Hardware("NVIDIA A2", 15356 * 1024**2)
TWO_CARDS = """\
0, GPU-5d3c1b8e-0001, 23034, NVIDIA L4
1, GPU-77aa1b8e-0002, 15356, NVIDIA A2
"""
"""As `nvidia-smi --query-gpu=index,uuid,memory.total,name --format=csv,noheader,nounits` prints it, in MiB."""


@pytest.fixture(autouse=True)
def _no_choice(monkeypatch):
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "HIP_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Puts a program of that name first on the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def put(*lines: str) -> Path:
        program = folder / "nvidia-smi"
        program.write_text("\n".join(["#!/bin/sh", *lines, ""]))
        program.chmod(0o755)
        return program

    return put


def says(text: str) -> str:
    """It answers only what it is asked, and only in the format that it is asked for."""
    asked = "--query-gpu=index,uuid,memory.total,name --format=csv,noheader,nounits"
    return f'[ "$*" = "{asked}" ] || {{ echo "Field is not a valid field to query." ; exit 2; }}\ncat <<END\n{text}END'


async def cuda(*devices: str) -> list[Hardware]:
    found = await hardware_of("onnx-cuda", devices)
    return [found[device] for device in devices]


async def test_nvidias_program_tells_name_and_memory(nvidia_smi):
    nvidia_smi(says(TWO_CARDS))
    assert await cuda("cuda:0", "cuda:1") == [L4, A2]
    assert await every_device("onnx-tensorrt") == [L4, A2]


async def test_a_device_that_is_not_listed_is_unknown_and_nothing_fails(nvidia_smi):
    nvidia_smi(says(TWO_CARDS))
    assert await cuda("cuda:2") == [Hardware()]


@pytest.mark.parametrize("words", ["[N/A]", "[Not Supported]", "[Unknown Error]", "[GPU requires reset]", ""])
async def test_memory_that_the_driver_does_not_tell_is_unknown(nvidia_smi, words):
    nvidia_smi(says(f"0, GPU-1, {words}, Orin (nvgpu)\n"))
    assert await cuda("cuda:0") == [Hardware("Orin (nvgpu)", None)]


@pytest.mark.parametrize(
    "lines",
    [
        ["echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'", "exit 9"],
        ["echo 'No devices were found'", "exit 6"],
        ["exit 0"],
        ["echo 'Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.'"],
        ["printf '\\377\\376 nonsense, , ,'"],
    ],
)
async def test_a_program_that_fails_or_talks_nonsense_leaves_the_device_unknown(nvidia_smi, lines):
    nvidia_smi(*lines)
    assert await cuda("cuda:0") == [Hardware()]


async def test_a_program_that_hangs_is_ended_and_not_waited_for(nvidia_smi, monkeypatch):
    monkeypatch.setattr(hardware, "_ASK_SECONDS", 0.2)
    monkeypatch.setattr(hardware, "_END_SECONDS", 60.0)
    nvidia_smi("exec sleep 1000")
    assert await cuda("cuda:0") == [Hardware()]
    assert hardware._HANGING == []


async def test_a_program_that_cannot_be_ended_holds_nobody_up(nvidia_smi, monkeypatch):
    """As one that hangs in its driver: no signal reaches it."""
    monkeypatch.setattr(hardware, "_ASK_SECONDS", 0.2)
    monkeypatch.setattr(hardware, "_END_SECONDS", 0.2)
    nvidia_smi("exec sleep 1000")
    with monkeypatch.context() as deaf:
        deaf.setattr(hardware.Popen, "kill", lambda _process: None)
        assert await cuda("cuda:0") == [Hardware()]
    (hanging,) = hardware._HANGING
    hardware._HANGING.clear()
    hanging.kill()
    hanging.wait()


async def test_a_program_that_may_not_be_run_is_no_trouble(nvidia_smi):
    nvidia_smi(says(TWO_CARDS)).write_text("no script")
    assert await cuda("cuda:0") == [Hardware()]


async def test_without_the_program_nothing_is_known(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await cuda("cuda:0") == [Hardware()]
    assert await every_device("onnx-cuda") == []


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("1,0", [A2, L4]),
        ("1", [A2]),
        ("GPU-77aa1b8e-0002", [A2]),
        ("GPU-77aa", [A2]),
        ("", []),
        ("7", [Hardware()]),
        ("MIG-0f3c-1/2", [Hardware()]),
        ("0,MIG-0f3c-1/2", [Hardware(), Hardware()]),
    ],
)
async def test_only_what_the_process_may_see_counts_in_its_order(nvidia_smi, monkeypatch, visible, expected):
    nvidia_smi(says(TWO_CARDS))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert await every_device("onnx-cuda") == expected


async def test_where_the_order_of_different_cards_is_unknown_each_counts_as_the_smallest(nvidia_smi, monkeypatch):
    nvidia_smi(says(TWO_CARDS))
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")
    assert await cuda("cuda:0", "cuda:1") == [Hardware("", A2.memory_bytes)] * 2
    nvidia_smi(says("0, GPU-1, 23034, NVIDIA L4\n1, GPU-2, 23034, NVIDIA L4\n"))
    assert await cuda("cuda:0", "cuda:1") == [L4, L4]


async def test_amds_driver_tells_it_in_sysfs(monkeypatch, tmp_path):
    drm = tmp_path / "drm"
    for card, slot, total in (("card1", "0000:03:00.0", 8 * GIB), ("card0", "0000:83:00.0", 16 * GIB)):
        device = tmp_path / "pci" / slot
        device.mkdir(parents=True)
        (device / "mem_info_vram_total").write_text(f"{total}\n")
        (device / "product_name").write_text("Radeon PRO W7800\n" if card == "card0" else "\n")
        (drm / card).mkdir(parents=True)
        (drm / card / "device").symlink_to(device)
    (drm / "card2" / "device").mkdir(parents=True)  # a display of the mainboard has no memory of its own
    (drm / "renderD128").mkdir()
    (drm / "renderD128" / "device").symlink_to(tmp_path / "pci" / "0000:03:00.0")
    monkeypatch.setattr(hardware, "_DRM", drm)
    assert await every_device("onnx-rocm") == [Hardware("", 8 * GIB), Hardware("Radeon PRO W7800", 16 * GIB)]
    assert (await hardware_of("onnx-rocm", ["rocm:1"]))["rocm:1"].memory_bytes == 16 * GIB
    (tmp_path / "pci" / "0000:83:00.0" / "mem_info_vram_total").write_text("nonsense")
    assert (await hardware_of("onnx-rocm", ["rocm:1"]))["rocm:1"].memory_bytes is None


async def test_the_processor_has_the_machines_memory():
    found = await hardware_of("onnx-cpu", ["cpu"])
    assert found["cpu"].memory_bytes == machine_memory() > 100 * 1024**2


def test_a_control_group_may_allow_less_than_the_machine_has(tmp_path):
    own = tmp_path / Path("/proc/self/cgroup").read_text().rpartition("::/")[2].strip()
    own.mkdir(parents=True, exist_ok=True)
    (own / "memory.max").write_text("max\n")
    assert hardware._group_limits(tmp_path) == []
    (own / "memory.max").write_text(f"{2 * GIB}\n")
    assert hardware._group_limits(tmp_path) == [2 * GIB]


@pytest.fixture
def _large_machine(monkeypatch):
    monkeypatch.setattr(start_devices, "machine_memory", lambda: 64 * GIB)


def chosen(*memory: int | None) -> Chosen:
    each = {f"cuda:{index}": Hardware("", value) for index, value in enumerate(memory)}
    return Chosen("onnx-cuda", tuple(each), each)


@pytest.mark.usefixtures("_large_machine")
@pytest.mark.parametrize(
    ("memory", "limit", "asked", "expected"),
    [
        ((24 * GIB,), 8 * GIB, None, 4 * GIB),
        ((4 * GIB,), 8 * GIB, None, 2 * GIB),
        ((24 * GIB, 6 * GIB), 8 * GIB, None, 3 * GIB),
        ((None,), 8 * GIB, None, 4 * GIB),
        ((None, 2 * GIB), 8 * GIB, None, GIB),
        ((4 * GIB,), 8 * GIB, 6 * GIB, 6 * GIB),
        ((4 * GIB,), 8 * GIB, 0, 0),
    ],
)
def test_models_may_weigh_half_of_what_the_smallest_device_and_the_process_have(
    tmp_path, memory, limit, asked, expected
):
    settings = worker_settings(tmp_path, memory_limit_bytes=limit, model_memory_bytes=asked)
    assert model_memory(settings, chosen(*memory)) == expected


@pytest.mark.parametrize(
    ("machine", "devices", "expected"),
    [(4 * GIB, 1, 3 * GIB), (16 * GIB, 2, 6 * GIB), (64 * GIB, 2, 8 * GIB), (None, 1, 8 * GIB)],
)
def test_a_process_gives_up_before_the_machine_does(tmp_path, monkeypatch, machine, devices, expected):
    monkeypatch.setattr(start_devices, "machine_memory", lambda: machine)
    each = children_of(worker_settings(tmp_path), chosen(*[None] * devices)).each
    assert [child.settings.memory_limit_bytes for child in each] == [expected] * devices
    assert model_memory(worker_settings(tmp_path), chosen(*[None] * devices)) == expected // 2
