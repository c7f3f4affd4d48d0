"""A worker at work in the test's own event loop, and how to wait for what it does."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ai_worker.batches.worker import Worker
from ai_worker.enrolment.enrol import enrol_worker
from ai_worker.manager_client import Manager
from ai_worker.settings import WorkerSettings
from tests.support.managers import PATIENCE_SECONDS, RunningManager
from trapper_cli import ports


async def enrol(manager: RunningManager, settings: WorkerSettings, *, offline: bool = False) -> None:
    """Buy a credential for this folder; `offline` when it may lease for days."""
    settings.make_folders()
    client = Manager.at(
        manager.url, token=await manager.enrolment_token(offline=offline), allowed=settings.allowed_addresses
    )
    await enrol_worker(
        settings,
        client,
        manager_url=manager.url,
        version="0",
        runtimes=("onnx-cpu",),
        devices=(),
        models_on_disk=(),
        name="tester",
    )
    await client.close()


@dataclass
class Working:
    """A worker at work, and how to stop it."""

    work: Worker
    stopping: asyncio.Event
    task: asyncio.Task[bool]

    async def stop(self) -> bool:
        """Stop in order; whether everything was delivered or given back."""
        self.stopping.set()
        return await self.task


async def eventually(check: Callable[[], Any], *, within: float = PATIENCE_SECONDS) -> Any:
    """Wait until it holds; the value that made it hold."""
    async with asyncio.timeout(within):
        while True:
            value = check()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.02)


@dataclass
class WorkerProcess:
    """`python -m ai_worker.commands run` on a state folder, as an operator would start it."""

    process: asyncio.subprocess.Process
    state_dir: Path
    port: int

    @property
    def child_pid(self) -> int:
        """The inference process."""
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()[0])

    def states(self) -> dict[str, int]:
        """How many runs are in each state, as another process reads them."""
        connection = sqlite3.connect(f"file:{self.state_dir}/worker.sqlite3?mode=ro", uri=True)
        try:
            return dict(connection.execute("select state, count(*) from runs group by state").fetchall())
        except sqlite3.OperationalError:  # not migrated yet
            return {}
        finally:
            connection.close()

    async def kill(self) -> None:
        """As nothing can be prepared for."""
        self.process.kill()
        await self.process.wait()


@asynccontextmanager
async def worker_process(settings: WorkerSettings, **variables: str) -> AsyncGenerator[WorkerProcess, None]:
    """Start it, wait until it is ready, and never leave it behind."""
    port = ports.choose()
    intervals = {f"AI_WORKER_INTERVALS__{name.upper()}": str(value) for name, value in settings.intervals}
    environment = {
        **os.environ,
        **intervals,
        "AI_WORKER_STATE_DIR": str(settings.state_dir),
        "AI_WORKER_ALLOWED_ADDRESSES": '["127.0.0.0/8"]',
        "AI_WORKER_THREADS": "1",
        **variables,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ai_worker.commands", "run", "--port", str(port), env=environment
    )
    started = WorkerProcess(process, settings.state_dir, port)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await eventually(lambda: _ready(client, process))
        yield started
    finally:
        if process.returncode is None:
            await started.kill()


async def _ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process) -> bool:
    assert process.returncode is None, f"the worker left with {process.returncode}"
    try:
        return (await client.get("/readyz")).is_success
    except httpx.TransportError:
        return False
