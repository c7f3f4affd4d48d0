"""The process that runs models for good is held in: no network, no writing, no other process, a limit per picture."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ai_worker.devices.run_child import InferenceChild
from ai_worker.devices.work import BatchWork, CannotRun, ChildSettings, ResourceWork, StageWork
from tests.support.make.inference import encoded, painted, resource_ref, stage_spec
from tests.support.networks import colour_detector, endless
from trapper_schemas.ids import uuid7
from trapper_schemas.read_results import read_results
from trapper_schemas.v1.results import BatchResults, FailureCode

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="this machine's system has none of these means")


def batch(network: Path, *contents: bytes | Path, size: int = 128, classes: int = 3) -> BatchWork:
    stage = StageWork(stage_spec(network, size=size, classes=classes), network)
    return BatchWork(uuid7(), 1, uuid7(), (stage,), tuple(ResourceWork(resource_ref(), each) for each in contents))


def network_of(pid: int | str | None) -> Path:
    return Path(f"/proc/{pid}/ns/net").readlink()


def status(pid: int | None) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@LINUX
async def test_the_running_process_has_no_privileges_and_no_network(tmp_path):
    network, photo = colour_detector(tmp_path / "m.onnx"), tmp_path / "photo.png"
    photo.write_bytes(encoded(painted()))
    async with InferenceChild(ChildSettings(threads=2, readable=(str(tmp_path),))) as child:
        ran = await child.run(batch(network, photo))
        assert (ran.seen, ran.failed) == (1, 0)
        told, holds = status(child.pid), child.confinement
        assert told["NoNewPrivs"] == "1"
        assert int(told["CapEff"], 16) == int(told["CapPrm"], 16) == 0
        if "seccomp" in holds["files"]:
            assert told["Seccomp"] == "2"
        if "namespace" in holds["network"]:
            assert network_of(child.pid) != network_of("self")


@LINUX
async def test_the_running_process_reads_nothing_but_weights_and_media(tmp_path):
    (tmp_path / "allowed").mkdir()
    network, secret = colour_detector(tmp_path / "allowed" / "m.onnx"), tmp_path / "secret.png"
    secret.write_bytes(encoded(painted()))
    async with InferenceChild(ChildSettings(threads=1, readable=(str(tmp_path / "allowed"),))) as child:
        if "landlock" not in child.confinement["files"]:
            pytest.skip("this machine's kernel has no Landlock")
        ran = await child.run(batch(network, secret))
    (outcome,) = read_results(ran.blob).outcomes
    assert outcome.message == "the fetched file cannot be read: Permission denied"


INSIDE = """
import ctypes, json, os, socket, sys
from pathlib import Path
from ai_worker.confinement.confine import confine_for_good
folder, parent = Path(sys.argv[1]), os.getppid()
readable, writable = [folder], [folder / "own"] if sys.argv[2] == "accelerator" else []
holds = confine_for_good(readable=readable, writable=writable, own_user=not writable)
told = {}
def attempt(name, do):
    try:
        do()
        told[name] = "went through"
    except OSError as problem:
        told[name] = "refused"
attempt("write own", lambda: (folder / "own" / "made").write_bytes(b"x"))
attempt("write elsewhere", lambda: (folder / "made").write_bytes(b"x"))
attempt("remove", lambda: (folder / "kept").unlink())
attempt("truncate", lambda: os.truncate(folder / "kept", 0))
attempt("connect", lambda: socket.create_connection(("127.0.0.1", int(sys.argv[3])), timeout=2))
attempt("signal", lambda: os.kill(parent, 0))
attempt("memory", lambda: os.open(f"/proc/{parent}/mem", os.O_RDONLY))
attempt("descriptors", lambda: os.open(f"/proc/{parent}/fd/1", os.O_RDONLY))
attempt("password file", lambda: os.open("/etc/shadow", os.O_RDONLY) if not writable else 1 / 1)
attempt("read", lambda: (folder / "kept").read_bytes())
libc = ctypes.CDLL(None, use_errno=True)
told["ptrace"] = "refused" if libc.ptrace(16, parent, 0, 0) else "went through"
print(json.dumps([holds, told]))
"""


@LINUX
@pytest.mark.parametrize("kind", ["processor", "accelerator"])
def test_native_and_python_code_inside_reaches_nothing(tmp_path, kind, unused_tcp_port):
    (tmp_path / "own").mkdir()
    (tmp_path / "kept").write_text("kept")
    done = subprocess.run(
        [sys.executable, "-c", INSIDE, str(tmp_path), kind, str(unused_tcp_port)],
        env={"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    holds, told = json.loads(done.stdout)
    if "landlock" not in holds["files"]:
        pytest.skip("this machine's kernel has no Landlock")
    assert told.pop("write own") == ("went through" if kind == "accelerator" else "refused")
    if kind == "accelerator":
        told.pop("password file")
    assert told.pop("read") == "went through"
    assert told == dict.fromkeys(told, "refused")
    assert (tmp_path / "kept").read_text() == "kept"


@LINUX
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
def test_root_becomes_another_user_where_that_one_can_read_what_is_needed(tmp_path):
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from ai_worker.confinement.privileges import UNPRIVILEGED, give_up_privileges\n"
        "held = give_up_privileges([Path(each) for each in sys.argv[1:]])\n"
        "print(held, os.getresuid(), os.getresgid(), os.getgroups())\n"
    )
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for needed, expected in (
        (["/usr"], "['user 64733'] (64733, 64733, 64733) (64733, 64733, 64733) []"),
        (["/usr", str(closed)], "['no capabilities'] (0, 0, 0) (0, 0, 0)"),
    ):
        done = subprocess.run([sys.executable, "-c", script, *needed], capture_output=True, text=True, check=True)
        assert done.stdout.startswith(expected)


async def test_a_model_that_never_ends_costs_its_pictures_and_not_its_process(tmp_path):
    network = endless(tmp_path / "m.onnx")
    work = batch(network, *[encoded(painted())] * 4, size=64)
    start = time.monotonic()
    async with InferenceChild(ChildSettings(threads=1, picture_seconds=1)) as child:
        pid = child.pid
        ran = await child.run(work)
        assert child.pid == pid
        with pytest.raises(CannotRun) as refused:
            await child.self_test(work.stages[0])
    assert time.monotonic() - start < 30
    assert refused.value.reason == "too-slow"
    results: BatchResults = read_results(ran.blob)
    assert [outcome.code for outcome in results.outcomes] == [FailureCode.INFERENCE_FAILED] * 4
    said = [outcome.message for outcome in results.outcomes]
    assert said[:2] == ["the model took longer than 1 s for a picture"] * 2
    assert said[3] == "the model took too long for 2 pictures of this batch, and was not run on the others"
