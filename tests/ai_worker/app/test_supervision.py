"""A turn survives whatever happens in it; a part that ends by itself ends the process, seen in log and exit code."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from ai_worker import tasks
from ai_worker.tasks import work_until
from tests.support.make.ai_worker import open_worker, worker_settings, write_credential
from trapper_cli import ports
from trapper_kit.parts import PartEnded


class OutOfReach(BaseException):
    """It is no Exception."""


@pytest.mark.parametrize("name", ["heartbeats.beat", "batches.claim"])
async def test_a_loop_that_is_cancelled_from_inside_ends_the_worker(tmp_path, monkeypatch, name):
    async def cancel(work):
        work.loops[name].cancel()
        await asyncio.Event().wait()

    monkeypatch.setitem(tasks.book.loops, name, replace(tasks.book.loops[name], step=cancel))
    async with open_worker(tmp_path) as work:
        with pytest.raises(PartEnded, match=name):
            await work_until(work, asyncio.Event())


async def test_another_part_that_ends_ends_the_worker(tmp_path):
    async def fail():
        raise OSError("the socket is gone")

    async with open_worker(tmp_path) as work:
        work.parts["status page"] = asyncio.create_task(fail())
        with pytest.raises(PartEnded, match="status page"):
            await work_until(work, asyncio.Event())


async def test_whatever_one_turn_raises_ends_nothing(tmp_path, monkeypatch):
    problems = iter([TimeoutError("the pool is exhausted"), OutOfReach(), SystemExit(0), asyncio.CancelledError()])
    survived = asyncio.Event()

    async def fail(work):
        problem = next(problems, None)
        work.wakeups.wake("batches.run")
        if problem is None:
            survived.set()
            return False
        raise problem

    monkeypatch.setitem(tasks.book.loops, "batches.run", replace(tasks.book.loops["batches.run"], step=fail))
    stopping = asyncio.Event()
    async with open_worker(tmp_path) as work:
        working = asyncio.create_task(work_until(work, stopping))
        await survived.wait()
        assert not working.done()
        stopping.set()
        assert await working is True


BREAK = """
import asyncio, sys
from dataclasses import replace
from ai_worker import tasks
from ai_worker.commands import main
async def cancel(work):
    work.loops["results.deliver"].cancel()
    await asyncio.Event().wait()
tasks.book.loops["results.deliver"] = replace(tasks.book.loops["results.deliver"], step=cancel)
sys.exit(main(["run", "--port", sys.argv[1]]))
"""


def test_the_process_leaves_with_one_and_the_log_says_why(tmp_path):
    settings = worker_settings(tmp_path / "worker")
    write_credential(settings)
    environment = {**os.environ, "AI_WORKER_STATE_DIR": str(settings.state_dir), "AI_WORKER_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", BREAK, str(ports.choose())],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 1
    lines = [json.loads(line) for line in (ended.stdout + ended.stderr).splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line["event"] == "part.ended"]
    assert line["part"] == "results.deliver"
    assert "TurnFailed: cancelled" in str(line)
    assert "trapper-worker: the part results.deliver of the process has ended by itself" in ended.stderr
