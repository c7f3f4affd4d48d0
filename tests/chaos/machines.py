"""The machines of the storm: one Expert, two Managers on one database, workers, PostgreSQL, Valkey, and every link.

Each service is the process that an operator starts; a small supervisor starts again whatever dies. Every way between
two machines leads through a `Link`, which can be made slow, thin, or dead while the test runs.
"""

import asyncio
import json
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx

from tests.chaos.disk import SmallDisk
from tests.chaos.machine import Machine, environment
from tests.flow.stack import EMAIL, LOOPBACK, ROOT, SECRET
from tests.support.chaos_http import Replays
from tests.support.chaos_pictures import deadly_detector
from tests.support.chaos_proxy import Link
from tests.support.database import Databases
from tests.support.make.inference import stage_spec
from tests.support.workers import eventually
from trapper_cli import ports
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.valkey import EmbeddedValkey

MANAGERS = ("a", "b")
IN_ROWS = {"a": "0", "b": "32768"}
"""Results of at most so many bytes lie in their rows, others in the store: each Manager has its own way."""
BATCH = 4
SKEW_SECONDS = 600.0
MOST_PIXELS = 200_000
_DISK_BYTES, _SPOOL_BYTES = 24 * 1024**2, 1024**2
START_SECONDS = 180.0
LEASE_SECONDS = 4.0
"""A machine with more to do than it can still renews in time; the tests freeze whom they want silent for longer."""
CALM = {"LEASE": 30.0, "RENEW": 1.0}
"""In a storm a lease is short, so that many end; afterwards a slow machine must not end any."""
BITE_SECONDS = 40.0
"""How long a fault waits for something that it can hit."""
BACK_SECONDS = 120.0
"""How long it waits for what it caused."""
_BETWEEN_STARTS = 0.5


@dataclass
class Fleet:
    """Everything that runs, and how to reach it."""

    folder: Path
    seed: int
    postgres: EmbeddedPostgres
    valkey: EmbeddedValkey
    workers: int
    replays: Replays = field(init=False)
    machines: dict[str, Machine] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    disk: SmallDisk = field(init=False)
    """Under everything that the first worker writes."""
    spool_disk: SmallDisk = field(init=False)
    """Under its results only."""
    filling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever fills one of them."""
    expert_database: str = ""
    manager_database: str = ""
    token: str = ""
    manager_token: str = ""
    enrolment: str = ""
    _supervisor: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self.replays = Replays(self.stream("replays"))
        self.disk = SmallDisk(self.state_dir(0), _DISK_BYTES, self.folder / "disk-full")
        self.spool_disk = SmallDisk(self.state_dir(0) / "spool", _SPOOL_BYTES, self.folder / "spool-full")
        names = ("expert", *(f"manager-{one}" for one in MANAGERS), *self.worker_names)
        self.ports = {name: ports.choose() for name in names}

    def stream(self, name: str) -> Random:
        """Dice of somebody's own: what one throws does not depend on how often others do meanwhile."""
        return Random(f"{self.seed} {name}")  # noqa: S311 - to be shaken again, no secret

    @property
    def worker_names(self) -> list[str]:
        return [f"worker-{number}" for number in range(self.workers)]

    @property
    def expert_url(self) -> str:
        """Where people reach it; workers come through the link `media`."""
        return self.links["people to expert"].url

    @property
    def managers(self) -> list[tuple[str, int]]:
        return [("127.0.0.1", self.ports[f"manager-{one}"]) for one in MANAGERS]

    def state_dir(self, worker: int) -> Path:
        return self.folder / f"worker-{worker}"

    async def start(self) -> None:
        """Databases, links, the catalogue, tokens, then every process, until all of them are ready."""
        databases = Databases(self.postgres)
        self.expert_database = await databases.fresh("expert")
        self.manager_database = await databases.fresh("ai_manager")
        await self._open_links()
        for one in MANAGERS:
            self._add(f"manager-{one}", "ai_manager", serve=True, env=self._manager_env(one))
            self._add(f"manager-{one}-tasks", "ai_manager", serve=False, env=self._manager_env(one))
        wrong_by = self.stream("expert's clock").choice([-SKEW_SECONDS, SKEW_SECONDS])
        self._add("expert", "expert", serve=True, env=self._expert_env(), wrong_by=wrong_by)
        self._add("expert-tasks", "expert", serve=False, env=self._expert_env(), wrong_by=wrong_by)
        for number, name in enumerate(self.worker_names):
            self._add(name, "ai_worker", serve=True, env=self._worker_env(number))
        for name in ("manager-a", "manager-b", "expert"):
            self.machines[name].start()
        self.disk.mount()
        self.spool_disk.mount()
        if not self.spool_disk.mounted:
            self.machines["worker-0"].stands_in = ("tests.support.chaos_disk", str(self.spool_disk.flag))
        await asyncio.gather(self._prepare_manager(), self._prepare_expert())
        await self.command("expert", "sync_ai_models")
        enrol = ("enrol", "--manager", self.links["worker-0 to manager"].url, "--token-stdin")
        await asyncio.gather(*(self.command(name, *enrol, stdin=self.enrolment) for name in self.worker_names))
        for machine in self.machines.values():
            if not machine.alive:
                machine.start()
        self._supervisor = asyncio.create_task(self._supervise())
        await self.ready()

    async def _open_links(self) -> None:
        expert, database = ("127.0.0.1", self.ports["expert"]), ("127.0.0.1", self.postgres.port)
        hear = self.replays.double
        ways = {f"{name} to manager": self.managers for name in self.worker_names}
        ways |= {"expert to manager": self.managers, "worker to media": [expert], "people to expert": [expert]}
        made = [Link(name, servers, self.stream(name), hear) for name, servers in ways.items()]
        made += [Link("rogue to manager", self.managers, self.stream("rogue"))]
        made += [
            Link(name, [database], self.stream(name)) for name in (f"manager-{one} to postgres" for one in MANAGERS)
        ]
        for link in made:
            await link.open()
            self.links[link.name] = link

    def _add(self, name: str, service: str, *, serve: bool, env: dict[str, str], wrong_by: float = 0.0) -> None:
        command = "run" if service == "ai_worker" else "serve" if serve else "tasks"
        where = ["--host", "127.0.0.1", "--port", str(self.ports[name])] if serve else []
        url = f"http://127.0.0.1:{self.ports[name]}" if serve else None
        self.machines[name] = Machine(name, service, [command, *where], self.folder, env, url, wrong_by)

    async def _prepare_manager(self) -> None:
        issue = ("issue_token", "--name", "expert", "--scope", "jobs", "--scope", "models:write", "--json")
        enrol = ("issue_enrolment", "--runtime", "onnx-cpu", "--uses", "100", "--minutes", "60", "--json")
        token, enrolment = await asyncio.gather(self.command("manager-a", *issue), self.command("manager-a", *enrol))
        self.enrolment = json.loads(enrolment)["token"]
        self.manager_token = secret = json.loads(token)["token"]
        await self.command(
            "expert", "connect_manager", "--name", "chaos", "--url", self.links["expert to manager"].url,
            "--token-stdin", stdin=secret,
        )  # fmt: skip
        await self._await(self.machines["manager-a"])
        weights = deadly_detector(self.folder / "deadly.onnx")
        model = stage_spec(weights).model
        headers = {"Authorization": f"Bearer {secret}", "Trapper-Protocol": "1"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.managers[0][1]}", headers=headers) as client:
            entry = {"entry": model.model_dump(mode="json")}
            (await client.post("/api/models/", json=entry)).raise_for_status()
            (await client.put(f"/api/models/{model.sha256}/weights", content=weights.read_bytes())).raise_for_status()

    async def _prepare_expert(self) -> None:
        admin = ("create_admin", "--email", EMAIL, "--password-stdin", "--json")
        await self.command("expert", *admin, stdin="chaos-password-1")
        issued = await self.command("expert", "issue_token", "--email", EMAIL, "--name", "chaos", "--json")
        self.token = json.loads(issued)["token"]

    async def stop(self) -> None:
        """End everything."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        await self.replays.close()
        for machine in self.machines.values():
            machine.signal(signal.SIGCONT)
            machine.signal(signal.SIGKILL)
            await asyncio.to_thread(machine.stop)
        for link in self.links.values():
            await link.close()
        for disk in (self.spool_disk, self.disk):
            disk.free()
            disk.unmount()

    async def calm_down(self) -> None:
        """The Managers start again with leases that outlast a slow machine's pauses; nobody else is touched."""
        for name, machine in self.machines.items():
            if machine.service == "ai_manager":
                machine.env |= {f"AI_MANAGER_INTERVALS__{key}": str(value) for key, value in CALM.items()}
                self.machines[name].signal(signal.SIGTERM)
        await self.ready(started_again="ai_manager")

    async def ready(self, *, started_again: str | None = None) -> None:
        """Waits until every process is ready."""
        before = {name: machine.starts for name, machine in self.machines.items() if machine.service == started_again}
        await eventually(
            lambda: all(self.machines[name].starts > starts for name, starts in before.items()), within=START_SECONDS
        )
        await asyncio.gather(*(self._await(machine) for machine in self.machines.values()))

    async def _await(self, machine: Machine) -> None:
        if machine.url is None:
            return
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(trust_env=False) as client:
            while True:
                try:
                    if (await client.get(f"{machine.url}/readyz")).is_success:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            for machine in self.machines.values():
                if not machine.alive and time.monotonic() - machine.started > _BETWEEN_STARTS:
                    machine.start()

    async def doctors(self) -> dict[str, list[dict[str, object]]]:
        """What each service's doctor finds."""
        asked = ["expert", "manager-a", *self.worker_names]
        told = await asyncio.gather(*(self.command(name, "doctor", "--json", check=False) for name in asked))
        reports = {name: json.loads(report) for name, report in zip(asked, told, strict=True)}
        return {name: [one for one in report["checks"] if not one["ok"]] for name, report in reports.items()}

    async def command(self, name: str, *arguments: str, stdin: str = "", check: bool = True) -> str:
        """A command of this machine's service, with its environment."""
        machine = self.machines[name]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"{machine.service}.commands", *arguments, env=machine.env, cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate(stdin.encode())
        assert not check or process.returncode == 0, f"{name} {arguments}: {out.decode()} {err.decode()}"
        return out.decode()

    def _expert_env(self) -> dict[str, str]:
        return environment(
            "EXPERT_",
            DATABASE_URL=self.expert_database,
            REDIS_URL=self.valkey.url,
            NOTIFICATIONS_REDIS_URL=self.valkey.notifications_url,
            MEDIA_DIR=str(self.folder / "media"),
            BLOBS_DIR=str(self.folder / "expert-blobs"),
            TASKS_ADDRESS="127.0.0.1:0",
            SECRET_KEY=SECRET,
            PUBLIC_URL=self.links["worker to media"].url,
            ALLOWED_ADDRESSES=LOOPBACK,
        )

    def _manager_env(self, one: str) -> dict[str, str]:
        direct, through = str(self.postgres.port), str(self.links[f"manager-{one} to postgres"].port)
        return environment(
            "AI_MANAGER_",
            DATABASE_URL=self.manager_database.replace(f":{direct}/", f":{through}/"),
            REDIS_URL=self.valkey.url,
            NOTIFICATIONS_REDIS_URL=self.valkey.notifications_url,
            BLOBS_DIR=str(self.folder / "manager-blobs"),
            TASKS_ADDRESS="127.0.0.1:0",
            RESULTS_IN_ROWS_BYTES=IN_ROWS[one],
            SECRET_KEY=SECRET,
            ALLOWED_ADDRESSES=LOOPBACK,
            BATCH_SIZE=str(BATCH),
            BATCH_SIZE_LIMIT=str(BATCH),
            LOSSES_ALLOWED="100",
            INTERVALS__LEASE=str(LEASE_SECONDS),
        )

    def _worker_env(self, number: int) -> dict[str, str]:
        return environment(
            "AI_WORKER_",
            STATE_DIR=str(self.state_dir(number)),
            MANAGER_URL=self.links[f"worker-{number} to manager"].url,
            REDIS_URL=self.valkey.notifications_url,
            MEDIA_ORIGINS=json.dumps([self.links["worker to media"].url]),
            ALLOWED_ADDRESSES=LOOPBACK,
            THREADS="1",
            NAME=f"worker-{number}",
            MIN_FREE_BYTES="0",
            PICTURE_MAX_PIXELS=str(MOST_PIXELS),
        )
