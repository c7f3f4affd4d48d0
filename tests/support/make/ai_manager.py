"""A Manager in process with its real app, and everything that calls it, every argument defaulted."""

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from ai_manager.access.issue_token import issue_token
from ai_manager.access.state import Scope
from ai_manager.app import create_app
from ai_manager.blob_store import results_key
from ai_manager.deps import Work
from ai_manager.jobs.plan import plan_job
from ai_manager.jobs.queries_invariants import INVARIANTS, offenders
from ai_manager.jobs.settle import settle_job
from ai_manager.settings import Intervals, Settings
from ai_manager.workers.issue_enrolment import issue_enrolment
from tests.support.make.results import column, results, seen, stage_run
from trapper_kit.db import TaskMessage
from trapper_schemas.codec import MEDIA_TYPE
from trapper_schemas.ids import uuid7
from trapper_schemas.protocol import PROTOCOL
from trapper_schemas.v1.batches import BatchLease, ClaimReply
from trapper_schemas.v1.jobs import JobReply
from trapper_schemas.v1.results import BatchResults, digest_of
from trapper_schemas.v1.workers import EnrolmentReply, HeartbeatReply

WEIGHTS = b"not a network, but it has a hash"
DETECTOR_SHA256 = hashlib.sha256(WEIGHTS).hexdigest()
SPECIES_SHA256 = "b" * 64


_ALL_IN_STORE = {"results_in_rows_bytes": 0}
IN_STORE = pytest.mark.parametrize("manager", [_ALL_IN_STORE], indirect=True, ids=["store"])
"""For tests of results whose bytes lie in the blob store, however small they are."""
IN_EITHER = pytest.mark.parametrize("manager", [{}, _ALL_IN_STORE], indirect=True, ids=["rows", "store"])


def manager_settings(database_url: str, folder: Path, **changes: Any) -> Settings:
    """Settings with a long lease; tests that wait for its end shorten it."""
    intervals: dict[str, float] = {"lease": 30.0, "renew": 5.0, "poll": 2.0, **changes.pop("intervals", {})}
    values: dict[str, Any] = {"batch_size": 3, **changes}
    return Settings(
        database_url=SecretStr(database_url),
        secret_key=SecretStr("a key for tests only, long enough"),
        blobs_dir=folder / "blobs",
        intervals=Intervals(**intervals),
        **values,
    )


def model_entry(**changes: Any) -> dict[str, Any]:
    """A detector with three labels, the last of which means nothing here."""
    spec = {
        "predictor": "yolov8",
        "preprocessing": {"width": 320, "height": 320},
        "labels": [
            {"label": "animal", "observation_type": "animal"},
            {"label": "person", "observation_type": "human"},
            {"label": "bench"},
        ],
        "thresholds": {"typical": 0.25, "conservative": 0.1},
    }
    entry = {
        "name": "test-detector",
        "version": "1",
        "kind": "detection",
        "availability": "ready",
        "sha256": DETECTOR_SHA256,
        "sources": [{"url": "https://example.org/detector.onnx", "file_name": "detector.onnx"}],
        "spec": spec,
        "licence": "MIT",
    }
    return {**entry, **changes}


def species_entry(**changes: Any) -> dict[str, Any]:
    """A classifier with eight labels."""
    spec = {
        "predictor": "classifier",
        "preprocessing": {"width": 96, "height": 96},
        "labels": [{"label": f"species {number}", "observation_type": "animal"} for number in range(8)],
        "thresholds": {"typical": 0.5, "conservative": 0.2},
    }
    return model_entry(
        **{
            "name": "test-species",
            "kind": "classification",
            "sha256": SPECIES_SHA256,
            "spec": spec,
            "runtimes": ["onnx-cpu"],
            **changes,
        }
    )


def resource(number: int = 0, **changes: Any) -> dict[str, Any]:
    """A photo by reference."""
    resource_id = str(uuid7())
    return {
        "id": resource_id,
        "url": f"https://expert.example.org/api/media/{resource_id}/inference",
        "sha256": hashlib.sha256(str(number).encode()).hexdigest(),
        "media_type": "image/jpeg",
        "size_bytes": 1000 + number,
        **changes,
    }


def stage(**changes: Any) -> dict[str, Any]:
    """Detection by the test detector."""
    model = {"name": "test-detector", "version": "1", "sha256": DETECTOR_SHA256}
    return {"kind": "detection", "model": model, **changes}


def job_request(count: int = 3, **changes: Any) -> dict[str, Any]:
    """A job on some photos."""
    return {
        "job_config": {"stages": changes.pop("stages", [stage()])},
        "resources": [resource(number) for number in range(count)],
        "sealed": True,
        "media_grant": "a grant",
        "media_origins": ["https://media.example.org"],
        **changes,
    }


async def put_results(work: Work, blob: bytes) -> str:
    """Write a result blob to the store; its sha256."""
    digest = hashlib.sha256(blob).hexdigest()
    await work.blobs.put(results_key(digest), blob)
    return digest


def results_of(lease: BatchLease, worker_id: UUID, *, found: Sequence[int] = (), **changes: Any) -> BatchResults:
    """All photos of a lease seen, with an animal in those at the positions `found`."""
    values: dict[str, Any] = {
        "batch_id": lease.batch_id,
        "attempt": lease.attempt,
        "worker_id": worker_id,
        "stages": (stage_run(model=lease.stages[0].stage.model),),
        "resource_ids": tuple(one.id for one in lease.resources),
        "outcomes": tuple(seen(media_sha256=one.sha256) for one in lease.resources),
        "resource_index": list(found),
        "frame_index": column("<u4", [0] * len(found)),
        "box": column("<u2", [6553, 6553, 13107, 13107] * len(found), 4),
        "label": column("<u2", [0] * len(found)),
        "score": column("<u2", [58981] * len(found)),
        "classified_rows": (),
        "top_label": column("<u2", [], 1),
        "top_score": column("<u2", [], 1),
    }
    said = results(**{**values, **changes})
    return replace(said, media_digest=digest_of([one.sha256 for one in lease.resources], said.seen))


@dataclass
class Machine:
    """An enrolled worker, as it calls."""

    manager: "Manager"
    id: UUID
    headers: dict[str, str]
    runtime: str = "onnx-cpu"
    heartbeats: int = 0

    async def claim(self, *, limit: int = 1, wait_seconds: float = 0, **more: Any) -> list[BatchLease]:
        """What there is for it."""
        body = {"runtime": self.runtime, "limit": limit, "wait_seconds": wait_seconds, **more}
        answer = await self.manager.http.post("/api/resource_batches/claim/", json=body, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return ClaimReply.model_validate(answer.json()).batches

    async def save(
        self, lease: BatchLease, blob: bytes, *, token: str | None = None, sha256: str | None = None
    ) -> httpx.Response:
        """Bring results."""
        headers = {
            **self.headers,
            "Content-Type": MEDIA_TYPE,
            "Lease-Token": token or lease.token,
            "Content-Sha256": sha256 or hashlib.sha256(blob).hexdigest(),
        }
        path = f"/api/resource_batches/{lease.batch_id}/save_results/"
        return await self.manager.http.post(path, content=blob, headers=headers)

    async def finish(self, lease: BatchLease, **changes: Any) -> httpx.Response:
        """Bring results that are true."""
        return await self.save(lease, results_of(lease, self.id, **changes).to_blob())

    async def release(self, lease: BatchLease, reason: str = "lost", message: str = "") -> httpx.Response:
        """Give it back."""
        path = f"/api/resource_batches/{lease.batch_id}/release/"
        body = {"token": lease.token, "reason": reason, "message": message}
        return await self.manager.http.post(path, json=body, headers=self.headers)

    async def beat(self, *leases: BatchLease, **more: Any) -> HeartbeatReply:
        """Send a heartbeat, with the next number unless one is given."""
        self.heartbeats += 1
        more = {"number": self.heartbeats, **more}
        held = [{"batch_id": str(lease.batch_id), "token": lease.token} for lease in leases]
        path = f"/api/workers/{self.id}/heartbeat/"
        answer = await self.manager.http.post(path, json={"leases": held, **more}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return HeartbeatReply.model_validate(answer.json())


@dataclass
class Manager:
    """The app, its world, and callers of it."""

    app: Any
    work: Work
    http: httpx.AsyncClient
    sent: list[TaskMessage] = field(default_factory=list)

    async def token(self, *scopes: Scope, name: str = "expert") -> dict[str, str]:
        """Headers of a caller with these scopes."""
        async with self.work.db() as db:
            token = issue_token(
                db, name=name, scopes=scopes, now=self.work.clock.now(), hash_token=self.work.hash_token
            )
        return {"Authorization": f"Bearer {token}", "Trapper-Protocol": str(PROTOCOL)}

    async def enrolment(
        self,
        *,
        runtimes: Sequence[str] = ("onnx-cpu",),
        uses: int = 1,
        minutes: float = 60,
        project: str = "",
        offline: bool = False,
    ) -> str:
        """An enrolment token."""
        async with self.work.db() as db:
            return issue_enrolment(
                db,
                runtimes=runtimes,
                uses=uses,
                lifetime=timedelta(minutes=minutes),
                project=project,
                offline=offline,
                now=self.work.clock.now(),
                hash_token=self.work.hash_token,
            )

    async def worker(self, *, runtimes: Sequence[str] = ("onnx-cpu",), **more: Any) -> Machine:
        """A fresh worker."""
        token = await self.enrolment(runtimes=runtimes, **more)
        answer = await self.enrol(token, runtimes=runtimes)
        assert answer.status_code == 201, answer.text
        reply = EnrolmentReply.model_validate(answer.json())
        headers = {"Authorization": f"Bearer {reply.credential}", "Trapper-Protocol": str(PROTOCOL)}
        return Machine(self, reply.worker_id, headers, runtimes[0])

    async def enrol(self, token: str, *, runtimes: Sequence[str] = ("onnx-cpu",)) -> httpx.Response:
        """Introduce a machine."""
        body = {"name": "tester", "version": "1", "runtimes": list(runtimes)}
        return await self.http.post("/api/workers/", json=body, headers={"Authorization": f"Bearer {token}"})

    async def publish(self, *entries: dict[str, Any]) -> None:
        """Put models into the catalogue."""
        headers = await self.token(Scope.PUBLISH, name="operator")
        for entry in entries or (model_entry(),):
            answer = await self.http.post("/api/models/", json={"entry": entry}, headers=headers)
            assert answer.status_code in {200, 201}, answer.text

    async def submit(
        self, headers: dict[str, str], body: dict[str, Any] | None = None, *, key: str | None = None
    ) -> httpx.Response:
        """Send a job."""
        headers = {**headers, "Idempotency-Key": key or str(uuid7())}
        return await self.http.post("/api/prediction_jobs/", json=body or job_request(), headers=headers)

    async def planned(self, headers: dict[str, str], body: dict[str, Any] | None = None) -> UUID:
        """A job whose batches wait."""
        answer = await self.submit(headers, body)
        assert answer.status_code == 201, answer.text
        job_id = UUID(answer.json()["id"])
        await plan_job(self.work, job_id)
        return job_id

    async def job(self, headers: dict[str, str], job_id: UUID) -> JobReply:
        """How a job is doing, settled when it is over."""
        await settle_job(self.work, job_id)
        answer = await self.http.get(f"/api/prediction_jobs/{job_id}/", headers=headers)
        assert answer.status_code == 200, answer.text
        reply = JobReply.model_validate(answer.json())
        counts = reply.counts
        assert counts.done + counts.blank + counts.failed + counts.cancelled + counts.pending == counts.total
        return reply

    async def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """What the database says."""
        async with self.work.db() as db:
            return [dict(row) for row in (await db.execute(text(statement), values)).mappings()]

    async def execute(self, statement: str, **values: Any) -> None:
        """Reach into the database, as time or an accident would."""
        async with self.work.db() as db:
            await db.execute(text(statement), values)

    async def answered_long(self) -> None:
        """As if it had answered for an hour: from now on, silence ends leases."""
        self.work.began -= 3600
        await self.execute(
            "insert into web_processes values (gen_random_uuid(), clock_timestamp() - interval '1 hour', "
            "clock_timestamp())"
        )

    async def broken(self, *, grace_seconds: float = 3600) -> dict[str, list[str]]:
        """The invariants that do not hold."""
        async with self.work.db() as db:
            found = {
                name: await offenders(db, invariant, grace_seconds=grace_seconds)
                for name, invariant in INVARIANTS.items()
            }
        return {name: ids for name, ids in found.items() if ids}


@asynccontextmanager
async def opened_manager(settings: Settings) -> AsyncGenerator[Manager, None]:
    """The real app with its lifespan, called in process; task messages are noted instead of sent."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://manager.test") as http:
            manager = Manager(app, app.state.work, http)

            def note(messages: Sequence[TaskMessage]) -> None:
                manager.sent.extend(messages)

            manager.work.database.task_sender = note
            yield manager


async def in_pieces(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """A body that arrives little by little."""
    for start in range(0, len(content), size):
        yield content[start : start + size]
