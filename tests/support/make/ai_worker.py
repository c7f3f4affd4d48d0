"""The worker's world for tests, every argument defaulted: settings, a credential, leases, resources."""

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from ai_worker.batches.worker import Worker
from ai_worker.enrolment.credential import Credential, write_secret
from ai_worker.settings import Intervals, WorkerSettings
from ai_worker.tasks import opened
from trapper_schemas.ids import uuid7
from trapper_schemas.v1.resources import ResourceRef
from trapper_schemas.v1.workers import Intervals as ToldIntervals

NOWHERE = "http://127.0.0.1:9"
"""An address where nobody listens."""
FAST = {
    "beat": 0.3,
    "poll": 0.3,
    "retry": 0.04,
    "claim": 0.05,
    "run": 0.1,
    "deliver": 0.1,
    "tidy": 1.0,
    "patience": 60.0,
    "refused": 0.2,
    "grace": 10.0,
    "media": 60.0,
}
"""The worker's intervals at about 1/50; what it waits for comes on a slow machine too, so its patience is long."""
IMPATIENT = {"patience": 0.05}
"""For tests of what happens when it ends."""


def worker_settings(state_dir: Path, *, intervals: Mapping[str, float] | None = None, **more: Any) -> WorkerSettings:
    """Settings of a worker that may call the loopback address."""
    values: dict[str, Any] = {"allowed_addresses": ["127.0.0.0/8"], "threads": 1, "min_free_bytes": 0, **more}
    return WorkerSettings(state_dir=state_dir, intervals=Intervals(**{**FAST, **(intervals or {})}), **values)


def told_intervals(**changes: float) -> ToldIntervals:
    """What a Manager tells, at about 1/50."""
    values = {"lease_seconds": 2.0, "renew_seconds": 0.3, "poll_seconds": 0.3, "retry_seconds": 0.04}
    return ToldIntervals(**{**values, **changes})


def write_credential(
    settings: WorkerSettings, *, manager_url: str = NOWHERE, worker_id: UUID | None = None, secret: str = ""
) -> Credential:
    """A credential as enrolment leaves it."""
    credential = Credential(
        manager_url=manager_url,
        worker_id=worker_id or uuid7(),
        credential=SecretStr(secret or "nobody's"),
        credential_expires_at=datetime.now(UTC) + timedelta(days=90),
        name="tester",
        runtimes=["onnx-cpu"],
        intervals=told_intervals(),
    )
    settings.make_folders()
    write_secret(settings.credential_file, credential.model_dump_json())
    return credential


@asynccontextmanager
async def open_worker(
    state_dir: Path, *, manager_url: str = NOWHERE, intervals: Mapping[str, float] | None = None, **more: Any
) -> AsyncGenerator[Worker, None]:
    """An open world whose Manager is wherever the test says; its loops do not run."""
    settings = worker_settings(state_dir, intervals=intervals, **more)
    if not settings.credential_file.exists():
        write_credential(settings, manager_url=manager_url)
    async with opened(settings) as work:
        yield work


def resource_of(url: str, content: bytes, **changes: Any) -> ResourceRef:
    """A reference to bytes at an address."""
    values: dict[str, Any] = {
        "id": uuid7(),
        "url": url,
        "sha256": hashlib.sha256(content).hexdigest(),
        "media_type": "image/png",
        "size_bytes": len(content),
    }
    return ResourceRef(**{**values, **changes})
