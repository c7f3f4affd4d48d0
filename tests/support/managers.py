"""A real Manager on a real database, served on the loopback address behind a fault injector."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr
from sqlalchemy import text

from ai_manager.access.issue_token import issue_token
from ai_manager.access.state import Scope
from ai_manager.app import create_app
from ai_manager.deps import Work
from ai_manager.settings import Intervals, Settings
from ai_manager.tasks import BOOK
from ai_manager.workers.issue_enrolment import issue_enrolment
from tests.support.fault_injector import FaultInjector
from tests.support.http_servers import serving
from trapper_kit.cron import run_sweeps
from trapper_schemas.ids import uuid7
from trapper_schemas.protocol import HEADER, PROTOCOL
from trapper_schemas.v1.batches import StageSpec
from trapper_schemas.v1.jobs import JobConfig, JobReply, JobRequest
from trapper_schemas.v1.resources import ResourceRef
from trapper_schemas.v1.results import BatchResults, Failed

PATIENCE_SECONDS = 200.0
"""How long a test waits for what must come: only a failure takes so long, however slow the machine is."""
FAST = {
    "lease": 600.0,
    "renew": 0.3,
    "poll": 0.3,
    "retry": 0.04,
    "sweep": 0.2,
    "lock": 0.1,
    "alive": 5.0,
}
"""The Manager's intervals at about 1/50; no lease ends while a test lasts, unless it says so (`end_first_leases`)."""


@dataclass
class RunningManager:
    """Its address, its fault injector and its work; and what an Expert and an operator would ask of it."""

    url: str
    faults: FaultInjector
    work: Work
    client: httpx.AsyncClient

    async def token(self, *scopes: Scope) -> str:
        """As the operator's command makes it for a service."""
        async with self.work.db() as db:
            return issue_token(
                db, name="another", scopes=scopes, now=self.work.clock.now(), hash_token=self.work.hash_token
            )

    async def enrolment_token(
        self, *, runtimes: Sequence[str] = ("onnx-cpu",), uses: int = 1, offline: bool = False
    ) -> str:
        """As the operator's command makes it."""
        async with self.work.db() as db:
            return issue_enrolment(
                db,
                runtimes=list(runtimes),
                uses=uses,
                offline=offline,
                lifetime=timedelta(hours=1),
                project="",
                now=self.work.clock.now(),
                hash_token=self.work.hash_token,
            )

    async def publish(self, spec: StageSpec, weights: bytes) -> None:
        """Put a model into the catalogue, with its weights."""
        entry = spec.model.model_dump(mode="json")
        (await self.client.post("/api/models/", json={"entry": entry})).raise_for_status()
        sha256 = spec.stage.model.sha256
        sent = await self.client.put(f"/api/models/{sha256}/weights", content=weights)
        sent.raise_for_status()

    async def submit(
        self, stages: Sequence[StageSpec], resources: Sequence[ResourceRef], *, origins: Sequence[str], **more: Any
    ) -> UUID:
        """A job, as an Expert sends it."""
        request = JobRequest(
            job_config=JobConfig(stages=tuple(spec.stage for spec in stages)),
            resources=tuple(resources),
            media_grant="the-grant",
            media_origins=tuple(origins),
            **more,
        )
        answer = await self.client.post(
            "/api/prediction_jobs/", json=request.model_dump(mode="json"), headers={"Idempotency-Key": str(uuid7())}
        )
        answer.raise_for_status()
        return UUID(answer.json()["id"])

    async def job(self, job_id: UUID) -> JobReply:
        """How a job is doing."""
        answer = await self.client.get(f"/api/prediction_jobs/{job_id}/")
        answer.raise_for_status()
        return JobReply.model_validate(answer.json())

    async def closed(self, job_id: UUID, *, within: float = PATIENCE_SECONDS) -> JobReply:
        """The job, once it is closed."""
        async with asyncio.timeout(within):
            while True:
                job = await self.job(job_id)
                if job.closed_at is not None:
                    return job
                await asyncio.sleep(0.05)

    async def blobs(self, job_id: UUID) -> list[bytes]:
        """The results of all closed batches."""
        listed = await self.client.get(f"/api/prediction_jobs/{job_id}/results/")
        listed.raise_for_status()
        found: list[bytes] = []
        for item in listed.json()["items"]:
            blob = await self.client.get(f"/api/resource_batches/{item['batch_id']}/results/")
            blob.raise_for_status()
            assert hashlib.sha256(blob.content).hexdigest() == item["sha256"]
            found.append(blob.content)
        return found

    async def batches(self) -> list[dict[str, Any]]:
        """All batches, in the queue or put away."""
        return await self.rows(
            "select state, attempt, losses, crashes from batches union all "
            "select state, attempt, losses, crashes from finished_batches"
        )

    async def end_first_leases(self) -> None:
        """As if every first lease of a batch had run out in silence, while this Manager answered all the time."""
        self.work.began -= 2 * self.work.intervals.lease
        async with self.work.database.engine.begin() as connection:
            await connection.execute(
                text(
                    "insert into web_processes values (gen_random_uuid(), clock_timestamp() - interval '1 hour', "
                    "clock_timestamp())"
                )
            )
            await connection.execute(
                text(
                    "update batches set lease_expires_at = clock_timestamp() - interval '1 second' "
                    "where state = 'leased' and attempt = 1"
                )
            )

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """What the database says."""
        async with self.work.database.engine.connect() as connection:
            found = await connection.execute(text(statement), values)
            return [dict(row) for row in found.mappings()]


@asynccontextmanager
async def running_manager(
    database_url: str, folder: Path, *, intervals: dict[str, float] | None = None, **more: Any
) -> AsyncGenerator[RunningManager, None]:
    """Serve a Manager and run its sweeps, all in the test's own event loop."""
    settings = Settings(
        database_url=SecretStr(database_url),
        secret_key=SecretStr("for-tests-only-0123456789abcdef"),
        blobs_dir=folder / "manager-blobs",
        intervals=Intervals(**{**FAST, **(intervals or {})}),
        **more,
    )
    app = create_app(settings)
    faults = FaultInjector(app)
    async with serving(faults) as url:
        work: Work = app.state.work
        async with work.db() as db:
            token = issue_token(
                db,
                name="expert",
                scopes=[Scope.JOBS, Scope.PUBLISH, Scope.OPERATE],
                now=work.clock.now(),
                hash_token=work.hash_token,
            )
        sweeping = asyncio.create_task(run_sweeps(BOOK, work, work.database, service="ai_manager", settings=settings))
        headers = {"Authorization": f"Bearer {token}", HEADER: str(PROTOCOL)}
        limits = httpx.Limits(keepalive_expiry=1)  # less than the server's, so that no request meets its end
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60, limits=limits) as client:
            try:
                yield RunningManager(url, faults, work, client)
            finally:
                sweeping.cancel()
                await asyncio.gather(sweeping, return_exceptions=True)


def outcomes(results: BatchResults) -> list[str]:
    """How each resource of a batch ended."""
    return [outcome.code.value if isinstance(outcome, Failed) else "seen" for outcome in results.outcomes]
