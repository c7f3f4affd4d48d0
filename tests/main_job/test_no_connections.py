"""No process of the stack, nor the command itself, looks up or connects to anything that no setting names."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.main_job.trapper import DEMO, MARKS, SAMPLE, Trapper
from tests.support.strace import NEEDS_STRACE

pytestmark = [*MARKS, NEEDS_STRACE]

CALLS = "trace=execve,connect,sendto,sendmsg,sendmmsg"
ADDRESS = re.compile(r'sin_addr=inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
PROGRAMS = ("trapper", "expert.commands", "ai_manager.commands", "ai_worker.commands", "ai_worker.devices.child")


@pytest.fixture
def fresh() -> Iterator[Trapper]:
    """A stack of its own, started and stopped by the traced command."""
    made = Trapper(Path(tempfile.mkdtemp(prefix="traced ")))
    yield made
    made("down")
    shutil.rmtree(made.place, ignore_errors=True)


def test_a_whole_run_with_its_stack_speaks_to_this_machine_only(fresh: Trapper) -> None:
    log, card = fresh.place / "log", fresh.place / "card"
    card.mkdir()
    shutil.copy(SAMPLE / "meadow" / "IMG_0001.JPG", card)
    quiet = ("env", "-u", "CI", "-u", "ORT_DISABLE_TELEMETRY")  # under which ONNX Runtime says nothing by itself
    strace = ("strace", "-f", "-qq", "-s", "300", "--seccomp-bpf", "-e", CALLS, "-e", "signal=none", "-o", str(log))
    report = fresh.run(card, *DEMO, "--once", before=(*quiet, *strace)).json
    assert (report["photos"], report["looked_at"]) == (1, 1)
    lines = log.read_text("utf-8", "replace").splitlines()
    started = [line for line in lines if "execve(" in line]
    assert all(any(program in line for line in started) for program in PROGRAMS)
    called = {first or second for line in lines for first, second in ADDRESS.findall(line)}
    assert "127.0.0.1" in called
    assert called <= {"127.0.0.1", "::1"}
