"""The supervisor on a process table of small programs: what it starts, restarts, stops, and leaves behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest

from tests.standalone.processes import is_alive, within
from trapper_cli.supervision.supervisor import FIRST_PAUSE

SMALL_STACK = Path(__file__).with_name("small_stack.py")
STUBBORN = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]])\n"
    "print('child', child.pid, flush=True)\n"
    "time.sleep(300)\n"
)
POLITE = (
    "import signal, sys, time\n"
    "def end(*_):\n"
    "    open(sys.argv[2], 'a').write(sys.argv[1] + '\\n')\n"
    "    sys.exit(0)\n"
    "signal.signal(15, end)\n"
    "print('up', flush=True)\n"
    "time.sleep(300)\n"
)


class SmallStack:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: Popen[bytes] | None = None

    def start(self, *programs: list[str], wait: bool = True) -> Popen[bytes]:
        table = [{"name": name, "code": code, "arguments": words} for name, code, *words in programs]
        self.process = Popen([sys.executable, str(SMALL_STACK), str(self.folder), json.dumps(table)])
        if wait:
            assert within(60, lambda: "running" in self.words("phase")), self.words("phase")
        return self.process

    def words(self, name: str) -> str:
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def pids(self) -> dict[str, int]:
        return {name: pid for name, pid in json.loads(self.words("pids.json") or "{}").items() if pid}


@pytest.fixture
def small_stack(folder: Path) -> Iterator[SmallStack]:
    made = SmallStack(folder)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.terminate()
        made.process.wait(60)


def test_killing_the_supervisor_leaves_nothing_not_even_grandchildren(small_stack: SmallStack) -> None:
    supervisor = small_stack.start(["parent", PARENT, STUBBORN], ["stubborn", STUBBORN])
    pids = small_stack.pids()
    assert within(60, lambda: "child" in small_stack.words("parent.log"))
    grandchild = int(small_stack.words("parent.log").split()[1])
    supervisor.kill()
    supervisor.wait()
    assert within(60, lambda: not any(is_alive(pid) for pid in [grandchild, *pids.values()]))


def test_a_killed_guard_is_replaced_and_the_new_one_knows_everybody(small_stack: SmallStack) -> None:
    supervisor = small_stack.start(["parent", PARENT, STUBBORN])
    before = small_stack.pids()
    os.kill(before["supervisor-guard"], signal.SIGKILL)
    assert within(60, lambda: small_stack.pids().get("supervisor-guard") != before["supervisor-guard"])
    assert within(60, lambda: "child" in small_stack.words("parent.log"))
    pids = small_stack.pids()
    grandchild = int(small_stack.words("parent.log").split()[1])
    supervisor.kill()
    supervisor.wait()
    assert within(60, lambda: not any(is_alive(pid) for pid in [grandchild, *pids.values()]))


def test_what_dies_comes_back_and_takes_its_children_along(small_stack: SmallStack) -> None:
    small_stack.start(["parent", PARENT, STUBBORN])
    first = small_stack.pids()["parent"]
    assert within(60, lambda: "child" in small_stack.words("parent.log"))
    grandchild = int(small_stack.words("parent.log").split()[1])
    os.kill(first, signal.SIGKILL)
    assert within(60, lambda: small_stack.pids().get("parent") not in {first, None})
    assert not is_alive(grandchild)


def test_programs_stop_in_the_order_of_their_stages_backwards(small_stack: SmallStack) -> None:
    order = str(small_stack.folder / "order")
    supervisor = small_stack.start(
        ["first", POLITE, "first", order], ["second", POLITE, "second", order], ["third", POLITE, "third", order]
    )
    for name in ("first", "second", "third"):
        assert within(60, lambda name=name: "up" in small_stack.words(f"{name}.log"))
    supervisor.terminate()
    assert supervisor.wait(60) == 0
    assert small_stack.words("order").split() == ["third", "second", "first"]


def test_a_program_that_does_not_come_up_is_named_with_its_last_words(small_stack: SmallStack) -> None:
    supervisor = small_stack.start(["broken", "import sys; sys.exit('no such table: photos')"], wait=False)
    assert supervisor.wait(60) == 1
    failure = small_stack.words("phase")
    assert "broken ended with code 1" in failure
    assert "no such table: photos" in failure


def test_a_program_that_dies_again_and_again_is_given_longer_pauses(small_stack: SmallStack) -> None:
    code = "import sys, time; open(sys.argv[1], 'a').write(f'{time.monotonic()}\\n'); time.sleep(0.3); sys.exit(1)"
    small_stack.start(["flaky", code, str(small_stack.folder / "starts")])
    assert within(120, lambda: len(small_stack.words("starts").splitlines()) >= 6)
    starts = [float(line) for line in small_stack.words("starts").splitlines()]
    assert starts[5] - starts[4] >= 8 * FIRST_PAUSE


def test_a_process_is_told_from_a_later_one_with_its_number(folder: Path) -> None:
    from trapper_cli.supervision.alive import Identity, identify

    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        seen = identify(process.pid)
        assert seen is not None
        assert seen.lives
        assert not Identity(process.pid, 0.0).lives
    finally:
        process.kill()
    assert within(60, lambda: not seen.lives)  # dead, and not yet collected by us
    process.wait()
