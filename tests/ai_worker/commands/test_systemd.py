"""systemd hears that the worker is ready, lives and leaves; the unit is one that systemd understands."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from ai_worker import deps, tasks
from ai_worker.commands import main
from ai_worker.commands.notify import Notifier, notifying_systemd
from ai_worker.tasks import work_until
from tests.support.make.ai_worker import open_worker, worker_settings
from tests.support.workers import enrol, eventually, worker_process

UNIT = Path(__file__).parents[3] / "deploy" / "systemd" / "trapper-worker.service"


class Listening:
    """A socket as systemd has one, and what came over it."""

    def __init__(self, folder: str) -> None:
        self.address = f"{folder}/notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)
        self.lines: list[str] = []

    def heard(self, line: str) -> int:
        """How often it was told."""
        while True:
            try:
                self.lines += self._socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return self.lines.count(line)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # a path of pytest's is too long for a socket
        listening = Listening(folder)
        yield listening
        listening.close()


async def test_a_worker_is_ready_lives_and_leaves(manager, tmp_path, systemd):
    settings = worker_settings(tmp_path / "worker")
    await enrol(manager, settings)
    async with worker_process(settings, NOTIFY_SOCKET=systemd.address, WATCHDOG_USEC="400000") as process:
        await eventually(lambda: systemd.heard("READY=1"))
        await eventually(lambda: systemd.heard("WATCHDOG=1") >= 3)
        assert any("the Manager answers" in line for line in systemd.lines if line.startswith("STATUS="))
        process.process.terminate()
        assert await process.process.wait() == 0
        assert systemd.heard("STOPPING=1")
        assert systemd.heard("READY=1") == 1


async def test_no_sign_of_life_comes_from_a_worker_whose_loops_stand_still(tmp_path, systemd):
    async with open_worker(tmp_path) as work:
        work.devices.ready = True
        turning, ended = asyncio.create_task(asyncio.Event().wait()), asyncio.create_task(asyncio.sleep(0))
        work.loops = {"batches.claim": turning}
        async with notifying_systemd(work, Notifier(systemd.address, 0.01, watched=True)):
            await eventually(lambda: systemd.heard("WATCHDOG=1"))
            work.loops["heartbeats.beat"] = ended
            await ended
            await eventually(lambda: systemd.heard("STATUS=the loop heartbeats.beat has ended"))
            told = systemd.heard("WATCHDOG=1")
            await eventually(lambda: systemd.heard("STATUS=the loop heartbeats.beat has ended") >= 5)
            assert systemd.heard("WATCHDOG=1") == told
        turning.cancel()


async def test_a_heartbeat_that_hangs_ends_the_signs_of_life_of_a_worker_that_runs(tmp_path, systemd, monkeypatch):
    """The other loops go on; without the heartbeat every lease would be lost in silence."""
    hanging = asyncio.Event()

    async def hang(_work):
        hanging.set()
        await asyncio.Event().wait()

    beat = tasks.book.loops["heartbeats.beat"]
    monkeypatch.setitem(tasks.book.loops, "heartbeats.beat", replace(beat, step=hang))
    stopping = asyncio.Event()
    async with open_worker(tmp_path) as work:
        working = asyncio.create_task(work_until(work, stopping))
        async with notifying_systemd(work, Notifier(systemd.address, 0.01, watched=True)):
            await hanging.wait()
            await eventually(lambda: systemd.heard("WATCHDOG=1") >= 3)
            monkeypatch.setitem(deps._QUICK, "heartbeats.beat", 0.0)
            await eventually(lambda: any("heartbeats.beat has done nothing" in line for line in told(systemd)))
            pings, lines = systemd.heard("WATCHDOG=1"), len(systemd.lines)
            await eventually(lambda: len(told(systemd)) > lines + 5)
            assert systemd.heard("WATCHDOG=1") == pings
            stopping.set()
            assert await working is True


def told(systemd):
    systemd.heard("")
    return systemd.lines


async def test_a_loop_that_has_not_turned_for_too_long_is_named(tmp_path):
    async with open_worker(tmp_path) as work:
        task = asyncio.create_task(asyncio.Event().wait())
        work.loops = {"heartbeats.beat": task, "batches.run": task}
        work.turned = dict.fromkeys(work.loops, work.monotonic() - 10_000)
        assert "heartbeats.beat has done nothing" in (work.standstill() or "")
        work.turned["heartbeats.beat"] = work.monotonic() - 400
        assert "heartbeats.beat has done nothing for 4" in (work.standstill() or ""), "leases hang on it"
        work.turned["heartbeats.beat"] = work.monotonic()
        assert work.standstill() is None, "computing lasts as long as there is work"
        task.cancel()


def test_a_watchdog_that_is_meant_for_another_process_is_none_of_ours():
    asked = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "4000000"}
    assert Notifier.of(asked) == Notifier("/run/notify", 2.0, watched=True)
    assert Notifier.of({**asked, "WATCHDOG_PID": str(os.getpid())}).watched
    assert not Notifier.of({**asked, "WATCHDOG_PID": "1"}).watched
    assert Notifier.of({}) == Notifier()


async def test_nobody_listening_is_no_trouble(tmp_path):
    Notifier("/nowhere/at/all").send("READY=1")
    Notifier("@nobody-listens-here").send("READY=1")
    Notifier("vsock:2:1").send("READY=1")


def test_the_unit_in_the_repository_is_the_one_that_is_printed(capsys):
    assert main(["systemd-unit", "--python", "/opt/trapper-worker/bin/python"]) == 0
    assert capsys.readouterr().out == UNIT.read_text("utf-8"), (
        "run: python -m ai_worker.commands systemd-unit --python /opt/trapper-worker/bin/python > " + str(UNIT)
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed here")
def test_systemd_understands_the_unit(tmp_path, capsys):
    assert main(["systemd-unit", "--python", sys.executable, "--user", "root"]) == 0
    file = tmp_path / "trapper-worker.service"
    file.write_text(capsys.readouterr().out)
    checked = subprocess.run(["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False)
    assert (checked.returncode, [line for line in checked.stderr.splitlines() if "trapper-worker" in line]) == (0, [])
