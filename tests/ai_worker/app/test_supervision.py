"""A part of the worker that ends by itself ends the process, with its traceback in the log and a code above zero."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from ai_worker import tasks
from ai_worker.tasks import PartEnded, work_until
from tests.support.make.ai_worker import open_worker, worker_settings, write_credential
from trapper_cli import ports


class OutOfReach(BaseException):
    """No loop survives what is no Exception."""


PROBLEMS = itertools.cycle([OutOfReach("the pool is exhausted"), asyncio.CancelledError(), SystemExit(0)])
ENDS = [(name, next(PROBLEMS)) for name in tasks.book.loops]


@pytest.mark.parametrize(("name", "problem"), ENDS)
async def test_whichever_loop_ends_and_however_the_worker_ends(tmp_path, monkeypatch, name, problem):
    async def end(_work):
        raise problem

    monkeypatch.setitem(tasks.book.loops, name, replace(tasks.book.loops[name], step=end))
    async with open_worker(tmp_path) as work:
        with pytest.raises(PartEnded, match=name):
            await work_until(work, asyncio.Event())


async def test_an_exception_of_one_turn_ends_nothing(tmp_path, monkeypatch):
    turns = 0
    twice = asyncio.Event()

    async def fail(_work):
        nonlocal turns
        turns += 1
        if turns > 2:
            twice.set()
        raise TimeoutError("the pool is exhausted")

    monkeypatch.setitem(tasks.book.loops, "batches.run", replace(tasks.book.loops["batches.run"], step=fail))
    stopping = asyncio.Event()
    async with open_worker(tmp_path) as work:
        working = asyncio.create_task(work_until(work, stopping))
        await twice.wait()
        assert not working.done()
        stopping.set()
        assert await working is True


BREAK = """
import sys
from ai_worker import tasks
from ai_worker.commands import main
from dataclasses import replace
class OutOfReach(BaseException): pass
async def end(_work): raise OutOfReach("the pool is exhausted")
tasks.book.loops["results.deliver"] = replace(tasks.book.loops["results.deliver"], step=end)
sys.exit(main(["run", "--port", sys.argv[1]]))
"""


def test_the_process_leaves_with_one_and_the_log_has_the_traceback(tmp_path):
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
    (line,) = [line for line in lines if line["event"] == "worker.part_ended"]
    assert line["part"] == "results.deliver"
    assert "OutOfReach: the pool is exhausted" in str(line)
    assert "trapper-worker: the part results.deliver of the process has ended by itself" in ended.stderr
