"""A real Manager on a durable PostgreSQL, as processes of their own, and how to fill it with batches."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
from alembic import command
from pydantic import SecretStr

from ai_manager.access.issue_token import issue_token
from ai_manager.access.state import Scope
from ai_manager.deps import Work
from ai_manager.jobs.plan import plan_job
from ai_manager.settings import Intervals, Settings
from ai_manager.workers.issue_enrolment import issue_enrolment
from benchmarks.http import Connection
from benchmarks.report import ROOT
from migrations.run import config
from tests.support.make.ai_manager import job_request, model_entry
from trapper_cli.servers.postgres import EmbeddedPostgres
from trapper_cli.servers.valkey import EmbeddedValkey
from trapper_cli.supervision import children
from trapper_cli.supervision.children import Launch
from trapper_schemas.ids import uuid7

HOST = "127.0.0.1"
SECRET = "a key for benchmarks, long enough"  # noqa: S105 - of a database that is thrown away
RUNTIME = "onnx-cpu"
STARTS_WITHIN = 60.0
BATCHES_PER_STATEMENT = 50_000


@dataclass(frozen=True)
class Credential:
    """A worker as the Manager knows it."""

    worker_id: UUID
    token: str


@dataclass
class Stack:
    """One Manager process, its database, and a world of our own on both for what an operator does."""

    folder: Path
    postgres: EmbeddedPostgres
    work: Work
    port: int
    process: psutil.Process
    tasks: psutil.Process | None
    environment: dict[str, str]
    lifetime: timedelta = timedelta(hours=1)
    """Of the tokens with which workers enrol."""

    @property
    def database_url(self) -> str:
        """For a client of the database."""
        return self.postgres.url("ai_manager")

    async def sql(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of one statement."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    def core_seconds(self) -> float:
        """What the Manager's web process has used so far."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    @asynccontextmanager
    async def logging_manager(self) -> AsyncGenerator[int, None]:
        """The port of one more Manager process, whose every statement the database notes in its log."""
        await self.sql("alter database ai_manager set log_statement = 'all'")  # from the next connection on
        port = free_port()
        started = _start(self.folder, "logged", ["serve", "--port", str(port)], self.environment)
        try:
            await _until_ready(port, started, self.folder / "logged.log")
            yield port
        finally:
            children.stop(started, first=signal.SIGTERM, grace=15)
            await self.sql("alter database ai_manager reset log_statement")

    async def token(self, *scopes: Scope) -> str:
        """A caller's token."""
        async with self.work.db() as db:
            return issue_token(
                db, name="expert", scopes=scopes, now=self.work.clock.now(), hash_token=self.work.hash_token
            )

    async def enrol(self, count: int) -> list[Credential]:
        """So many workers, each with a credential that it bought over HTTP."""
        async with self.work.db() as db:
            token = issue_enrolment(
                db,
                runtimes=[RUNTIME],
                uses=count,
                lifetime=self.lifetime,
                project="",
                now=self.work.clock.now(),
                hash_token=self.work.hash_token,
            )
        async with Connection.opened(HOST, self.port, token) as connection:
            replies = [
                await connection.json("POST", "/api/workers/", {"name": f"w{n}", "version": "1", "runtimes": [RUNTIME]})
                for n in range(count)
            ]
        return [Credential(UUID(reply["worker_id"]), reply["credential"]) for reply in replies]

    async def first_job(self) -> UUID:
        """A job of one photo in one batch, submitted and planned as any other."""
        token = await self.token(Scope.JOBS, Scope.PUBLISH)
        async with Connection.opened(HOST, self.port, token) as connection:
            await connection.json("POST", "/api/models/", {"entry": model_entry()})
            key = f"Idempotency-Key: {uuid7()}\r\n"
            job = await connection.json("POST", "/api/prediction_jobs/", job_request(1), more=key)
        await plan_job(self.work, UUID(job["id"]))
        return UUID(job["id"])

    async def fill(self, job_id: UUID, batches: int) -> None:
        """Copies of the job's first batch, waiting, until the table holds so many."""
        connection = await asyncpg.connect(self.database_url)
        try:
            copies = await self.copies(connection)
            await connection.execute("set session_replication_role = replica")  # no look at the job for each row
            (have,) = await connection.fetchrow("select count(*) from batches")
            while have < batches:
                more = min(BATCHES_PER_STATEMENT, batches - have)
                await connection.execute(copies, job_id, have, have + more - 1)
                have += more
            await connection.execute("update jobs set total = $2, planned_through = $2 where id = $1", job_id, batches)
            await connection.execute("vacuum analyze batches")
        finally:
            await connection.close()

    async def copies(self, connection: Any) -> str:
        """A statement that copies a job's first batch with turns from $2 to $3; every other column stays as it is."""
        fresh = {"id": "uuidv7()", "turn": "number", "first": "number", "state": "'waiting'", "attempt": "0"}
        fresh |= dict.fromkeys(("worker_id", "lease_token", "lease_expires_at", "result_sha256"), "null")
        fresh |= dict.fromkeys(("done", "blank", "failed"), "0")
        rows = await connection.fetch(
            "select column_name from information_schema.columns where table_name = 'batches' order by ordinal_position"
        )
        columns = [row["column_name"] for row in rows]
        values = ", ".join(fresh.get(column, f"one.{column}") for column in columns)
        return (
            f"insert into batches ({', '.join(columns)}) select {values} "  # noqa: S608 - names that the database told
            "from batches one, generate_series($2::bigint, $3::bigint) number where one.job_id = $1 and one.turn = 0"
        )

    async def refill(self, job_id: UUID, batches: int, *, waiting: int) -> None:
        """A table of so many batches, of which so many wait at least; what was done in it may stay."""
        await self.fill(job_id, batches)
        (row,) = await self.sql("select count(*) as count from batches where state = 'waiting'")
        if row["count"] < waiting:
            await self._empty(job_id)
            await self.fill(job_id, batches)

    async def _empty(self, job_id: UUID) -> None:
        """Only the job's first batch is left, waiting again."""
        connection = await asyncpg.connect(self.database_url)
        try:
            await connection.execute("truncate saved_results, resource_failures")
            await connection.execute("delete from batches where job_id = $1 and turn > 0", job_id)
            await connection.execute(
                """update batches set state = 'waiting', attempt = 0, worker_id = null, lease_token = null,
                lease_expires_at = null, result_sha256 = null, done = 0, blank = 0, failed = 0 where job_id = $1""",
                job_id,
            )
            await connection.execute("vacuum full batches")
        finally:
            await connection.close()


@asynccontextmanager
async def manager_stack(
    *, tasks: bool = False, valkey: bool = False, postgres: dict[str, str] | None = None, **changes: Any
) -> AsyncGenerator[Stack, None]:
    """Start everything with durable settings, and leave nothing behind."""
    with (
        tempfile.TemporaryDirectory(prefix="trapper-bench-", ignore_cleanup_errors=True) as place,
        EmbeddedPostgres(Path(place) / "pg", options=postgres) as server,
        EmbeddedValkey(Path(place) / "valkey") if valkey else nullcontext() as queue,
    ):
        folder = Path(place)
        url = server.create_database("ai_manager")
        await asyncio.to_thread(command.upgrade, config("ai_manager", url), "head")
        intervals = {"poll": 20.0, **changes.pop("intervals", {})}
        settings = Settings(
            database_url=SecretStr(url),
            secret_key=SecretStr(SECRET),
            blobs_dir=folder / "blobs",
            intervals=Intervals(**intervals),
            **{"batch_size": 1, "log_level": "INFO", **changes},  # pyright: ignore[reportArgumentType]
        )
        environment = _environment(settings, intervals, changes)
        if queue is not None:
            environment["AI_MANAGER_REDIS_URL"] = queue.url
        port = free_port()
        work = Work.open(settings)
        started = [_start(folder, "serve", ["serve", "--port", str(port)], environment)]
        try:
            if tasks:
                started.append(_start(folder, "tasks", ["tasks"], environment))
            await _until_ready(port, started[0], folder / "serve.log")
            processes = [psutil.Process(process.pid) for process in started]
            yield Stack(folder, server, work, port, processes[0], processes[1] if tasks else None, environment)
        finally:
            await work.close()
            for process in started:
                children.stop(process, first=signal.SIGTERM, grace=15)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _environment(settings: Settings, intervals: dict[str, float], changes: dict[str, Any]) -> dict[str, str]:
    own = {
        "AI_MANAGER_TASKS_ADDRESS": "127.0.0.1:0",
        "AI_MANAGER_DATABASE_URL": settings.database_url.get_secret_value(),
        "AI_MANAGER_SECRET_KEY": SECRET,
        "AI_MANAGER_BLOBS_DIR": str(settings.blobs_dir),
        "AI_MANAGER_BATCH_SIZE": str(settings.batch_size),
        "AI_MANAGER_LOG_LEVEL": settings.log_level,
        **{f"AI_MANAGER_INTERVALS__{name.upper()}": str(value) for name, value in intervals.items()},
        **{f"AI_MANAGER_{name.upper()}": str(value) for name, value in changes.items()},
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AI_MANAGER_")}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]), **own}


def _start(folder: Path, name: str, arguments: Sequence[str], environment: dict[str, str]) -> Any:
    argv = [sys.executable, "-m", "ai_manager.commands", *arguments]
    return children.start(Launch(argv=argv, env=environment, log_file=folder / f"{name}.log"))


async def _until_ready(port: int, process: Any, log_file: Path) -> None:
    async with asyncio.timeout(STARTS_WITHIN):
        while True:
            assert process.poll() is None, children.tail(log_file)
            try:
                async with Connection.opened(HOST, port, "") as connection:
                    if (await connection.request("GET", "/readyz"))[0] == 200:
                        return
            except OSError:
                await asyncio.sleep(0.1)
