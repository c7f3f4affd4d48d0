"""The three services as the processes they are, on real servers, with every interval at about 1/50.

Only the patience with media stays long: a killed process needs seconds to start again, whatever the intervals are.

A small supervisor starts again whatever dies, as the standalone stack and every production does.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import asyncpg
import httpx

from tests.support.database import Databases
from trapper_cli import ports
from trapper_cli.servers.valkey import EmbeddedValkey

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "models" / "weights"
EMAIL = "admin@example.org"
SECRET = "flow-tests-secret-key-of-enough-length"
START_SECONDS = 180.0
LOOPBACK = '["127.0.0.0/8"]'

FAST = {
    "EXPERT_": {"SWEEP": 0.1, "LOCK": 0.1, "REDELIVERY": 0.5, "MAX_BACKOFF": 0.5, "GATHER_QUIET": 0.2,
                "GATHER_AT_MOST": 1.2, "FOLLOW": 0.1, "DESCRIBE_CLAIM": 2.0},
    "AI_MANAGER_": {"SWEEP": 0.1, "LOCK": 0.1, "REDELIVERY": 0.5, "MAX_BACKOFF": 0.5, "LEASE": 6.0, "RENEW": 0.4,
                    "POLL": 0.3, "RETRY": 0.1, "ALIVE": 3.0},
    "AI_WORKER_": {"BEAT": 0.4, "POLL": 0.3, "RETRY": 0.1, "CLAIM": 0.05, "RUN": 0.05, "DELIVER": 0.1, "PATIENCE": 60.0,
                   "REFUSED": 0.5, "GRACE": 1.0, "TIDY": 1.0},
}  # fmt: skip


@dataclass
class Process:
    """One process of the stack: what starts it, and the one that runs now."""

    name: str
    argv: Sequence[str]
    env: dict[str, str]
    log: IO[bytes]
    running: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def start(self) -> None:
        self.starts += 1
        self.running = subprocess.Popen(self.argv, env=self.env, cwd=ROOT, stdout=self.log, stderr=self.log)

    def kill(self) -> None:
        """As the kernel does it when memory is short."""
        if self.running is not None and self.running.poll() is None:
            os.kill(self.running.pid, signal.SIGKILL)

    def stop(self) -> int:
        self.log.close()
        if self.running is None:
            return 0
        self.running.send_signal(signal.SIGTERM)
        try:
            return self.running.wait(15)
        except subprocess.TimeoutExpired:
            self.running.kill()
            return self.running.wait()


@dataclass
class Stack:
    """Everything that runs, and how to reach it."""

    folder: Path
    databases: Databases
    valkey: EmbeddedValkey
    tamper: str | None = None
    processes: dict[str, Process] = field(default_factory=dict)
    expert_port: int = field(default_factory=ports.choose)
    manager_port: int = field(default_factory=ports.choose)
    worker_port: int = field(default_factory=ports.choose)
    expert_database: str = ""
    manager_database: str = ""
    token: str = ""
    _supervisor: asyncio.Task[None] | None = None

    @property
    def expert_url(self) -> str:
        return f"http://127.0.0.1:{self.expert_port}"

    @property
    def manager_url(self) -> str:
        return f"http://127.0.0.1:{self.manager_port}"

    @property
    def worker_state(self) -> Path:
        return self.folder / "worker"

    async def start(self) -> None:
        """Databases, models, tokens, then every process, until all of them are ready."""
        self.expert_database = await self.databases.fresh("expert")
        self.manager_database = await self.databases.fresh("ai_manager")
        await self._command("ai_manager", "sync_models_from_schemas", "--weights", str(WEIGHTS))
        self._serve("ai_manager", self.manager_port)
        jobs = json.loads(
            await self._command("ai_manager", "issue_token", "--name", "expert", "--scope", "jobs", "--json")
        )
        enrol = ("issue_enrolment", "--runtime", "onnx-cpu", "--uses", "1", "--minutes", "60", "--json")
        enrolment = json.loads(await self._command("ai_manager", *enrol))
        await self._command(
            "expert", "create_admin", "--email", EMAIL, "--password-stdin", "--json", stdin="flow-password-1"
        )
        connect = ("connect_manager", "--name", "flow", "--url", self.manager_url, "--token-stdin")
        await self._command("expert", *connect, stdin=jobs["token"])
        await self._ready(self.manager_url)
        await self._command("expert", "sync_ai_models")
        issued = await self._command("expert", "issue_token", "--email", EMAIL, "--name", "flow", "--json")
        self.token = json.loads(issued)["token"]
        await self._command(
            "ai_worker", "enrol", "--manager", self.manager_url, "--token-stdin", stdin=enrolment["token"]
        )
        await self._run_the_rest()

    async def _run_the_rest(self) -> None:
        self._serve("expert", self.expert_port)
        self._tasks("expert")
        self._tasks("ai_manager")
        self._launch("ai_worker", "ai_worker", "run", "--host", "127.0.0.1", "--port", str(self.worker_port))
        self._supervisor = asyncio.create_task(self._supervise())
        for url in (self.manager_url, self.expert_url, f"http://127.0.0.1:{self.worker_port}"):
            await self._ready(url)

    async def stop(self) -> dict[str, int]:
        """End everything; the exit status of each process."""
        if self._supervisor is not None:
            self._supervisor.cancel()
        return {name: await asyncio.to_thread(process.stop) for name, process in reversed(self.processes.items())}

    async def restart(self, tamper: str | None) -> None:
        """The same databases and folders under new processes, whose queue drops or doubles messages, or is whole."""
        await self.stop()
        self.tamper = tamper
        self._serve("ai_manager", self.manager_port)
        await self._run_the_rest()

    def kill(self, name: str) -> None:
        """kill -9 of one process, or of the Worker's inference child."""
        if name == "inference-child":
            for child in children(self.processes["ai_worker"]):
                os.kill(child, signal.SIGKILL)
        else:
            self.processes[name].kill()

    async def doctors(self) -> dict[str, object]:
        """What each service's doctor finds."""
        found: dict[str, object] = {}
        for service in ("expert", "ai_manager", "ai_worker"):
            report = json.loads(await self._command(service, "doctor", "--json", check=False))
            found[service] = [check for check in report["checks"] if not check["ok"]]
        return found

    def client(self) -> httpx.AsyncClient:
        """A person at the Expert's API."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.AsyncClient(base_url=self.expert_url, headers=headers, timeout=20, trust_env=False)

    def logs(self) -> str:
        """The end of every log, for a failing test."""
        tails = [f"--- {path.name}\n{path.read_text('utf-8')[-3000:]}" for path in sorted(self.folder.glob("*.log"))]
        return "\n".join(tails)

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            for process in self.processes.values():
                if process.running is not None and process.running.poll() is not None:
                    process.start()

    async def _ready(self, url: str) -> None:
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        async with httpx.AsyncClient(trust_env=False) as client:
            while asyncio.get_running_loop().time() < deadline:
                try:
                    if (await client.get(f"{url}/readyz")).is_success:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)
        raise AssertionError(f"{url} did not become ready\n{self.logs()}")

    def _serve(self, service: str, port: int) -> None:
        self._launch(service, service, "serve", "--host", "127.0.0.1", "--port", str(port))

    def _tasks(self, service: str) -> None:
        self._launch(f"{service}-tasks", service, "tasks")

    def _launch(self, name: str, service: str, *arguments: str) -> None:
        tampered = ["-m", "tests.flow.tampered", self.tamper] if self.tamper else ["-m"]
        argv = [sys.executable, *tampered, f"{service}.commands", *arguments]
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = Process(name, argv, self._environment(service), log)
        self.processes[name].start()

    async def _command(self, service: str, *arguments: str, stdin: str = "", check: bool = True) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"{service}.commands", *arguments,
            env=self._environment(service), cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
        assert not check or process.returncode == 0, f"{service} {arguments}: {out.decode()} {err.decode()}"
        return out.decode()

    def _environment(self, service: str) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("EXPERT_", "AI_"))}
        own = {
            "expert": {
                "EXPERT_TASKS_ADDRESS": "127.0.0.1:0",
                "EXPERT_DATABASE_URL": self.expert_database,
                "EXPERT_REDIS_URL": self.valkey.url,
                "EXPERT_NOTIFICATIONS_REDIS_URL": self.valkey.notifications_url,
                "EXPERT_MEDIA_DIR": str(self.folder / "media"),
                "EXPERT_BLOBS_DIR": str(self.folder / "expert-blobs"),
                "EXPERT_SECRET_KEY": SECRET,
                "EXPERT_PUBLIC_URL": self.expert_url,
                "EXPERT_ALLOWED_ADDRESSES": LOOPBACK,
            },
            "ai_manager": {
                "AI_MANAGER_TASKS_ADDRESS": "127.0.0.1:0",
                "AI_MANAGER_DATABASE_URL": self.manager_database,
                "AI_MANAGER_REDIS_URL": self.valkey.url,
                "AI_MANAGER_NOTIFICATIONS_REDIS_URL": self.valkey.notifications_url,
                "AI_MANAGER_BLOBS_DIR": str(self.folder / "manager-blobs"),
                "AI_MANAGER_SECRET_KEY": SECRET,
                "AI_MANAGER_ALLOWED_ADDRESSES": LOOPBACK,
            },
            "ai_worker": {
                "AI_WORKER_STATE_DIR": str(self.worker_state),
                "AI_WORKER_MANAGER_URL": self.manager_url,
                "AI_WORKER_REDIS_URL": self.valkey.notifications_url,
                "AI_WORKER_MEDIA_ORIGINS": json.dumps([self.expert_url]),
                "AI_WORKER_ALLOWED_ADDRESSES": LOOPBACK,
                "AI_WORKER_THREADS": "1",
            },
        }[service]
        prefix = f"{service.upper()}_"
        fast = {f"{prefix}INTERVALS__{name}": str(seconds) for name, seconds in FAST[prefix].items()}
        return {**plain, **own, **fast, "PYTHONPATH": str(ROOT)}


def children(process: Process) -> list[int]:
    """The pids of a process's children, from /proc."""
    if process.running is None:
        return []
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == process.running.pid:
            found.append(int(stat.parent.name))
    return found


async def rows(url: str, statement: str, *arguments: object) -> list[tuple[object, ...]]:
    """What a database says, past every API."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement, *arguments)]
    finally:
        await connection.close()
