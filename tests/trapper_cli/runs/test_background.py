import subprocess
import sys
import threading
import time

import pytest

from trapper_cli.runs.background import Activity, Background, Unanswered


def test_results_come_with_their_items_and_exceptions_are_raised() -> None:
    background = Background(lambda item, _: item * 2, threads=3, warn=print)
    assert dict(background.run(range(50))) == {item: item * 2 for item in range(50)}

    def fail(item: int, _: Activity) -> int:
        raise ValueError(item)

    with pytest.raises(ValueError, match="0"):
        list(Background(fail, threads=1, warn=print).run([0, 1]))


def test_what_does_not_answer_is_named_and_given_up_and_the_rest_goes_on() -> None:
    release = threading.Event()
    warnings: list[str] = []

    def read(item: str, activity: Activity) -> str:
        activity.at(f"/card/{item}")
        if item == "stuck":
            release.wait(60)
        return item

    background = Background(read, threads=2, warn=warnings.append, warn_seconds=0.5, give_up_seconds=2)
    results = dict(background.run(["a", "stuck", *map(str, range(20))]))
    release.set()
    stuck = results.pop("stuck")
    assert isinstance(stuck, Unanswered)
    assert stuck.label == "/card/stuck"
    assert results == {name: name for name in ["a", *map(str, range(20))]}
    assert any("Still waiting for /card/stuck" in warning and "Ctrl-C" in warning for warning in warnings)


def test_once_every_thread_was_given_up_the_rest_is_not_tried() -> None:
    release = threading.Event()
    started: list[int] = []

    def read(item: int, activity: Activity) -> None:
        started.append(item)
        activity.at(str(item))
        release.wait(60)

    began = time.monotonic()
    background = Background(read, threads=2, warn=lambda _: None, give_up_seconds=1)
    results = list(background.run(range(100)))
    release.set()
    assert len(results) == 100
    assert all(isinstance(result, Unanswered) for _, result in results)
    assert len(started) < 10
    assert time.monotonic() - began < 10


SCRIPT = """
import sys, time, os, builtins
from pathlib import Path
from trapper_client.app import run

opened = open
def hangs(path, *rest, **more):
    if str(path).endswith("stuck.jpg"):
        sys.stderr.write("hangs\\n"); sys.stderr.flush()
        time.sleep(600)
    return opened(path, *rest, **more)
builtins.open = hangs
sys.exit(run(["run", sys.argv[1], "--dry-run"]))
"""


def test_one_interrupt_ends_a_command_whose_drive_hangs(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "stuck.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line == "hangs\n":
            break
    time.sleep(0.5)
    process.send_signal(2)
    assert process.wait(20) == 130
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
