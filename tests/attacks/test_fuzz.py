"""Requests that schemathesis generates from the contracts, as every caller; no reply is a 500 or undocumented."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from ai_manager.access.state import Scope
from ai_worker.app import create_app as worker_app
from tests.support.access_table import CALLERS
from tests.support.access_world import World
from tests.support.fuzz import fuzz_all
from tests.support.make.ai_manager import Manager
from tests.support.make.ai_worker import open_worker

SECONDS = 120.0
"""Of all three contracts together, in every run of the tests."""
SLOW_SECONDS = float(os.environ.get("TRAPPER_FUZZ_SECONDS", "600"))
EXPERT, MANAGER, WORKER = 0.6, 0.3, 0.1
"""Shares of the time."""


async def fuzz_expert(world: World, seconds: float) -> None:
    clients = {caller.name: world.clients[caller.name] for caller in CALLERS}
    await fuzz_all(world.backend.app, clients, world.ids, seconds)


async def fuzz_manager(manager: Manager, seconds: float) -> None:
    machine = await manager.worker()
    expert = await manager.token(Scope.JOBS)
    ids: dict[str, Any] = {"job_id": await manager.planned(expert), "worker_id": machine.id}
    (row,) = await manager.rows("select id from batches limit 1")
    ids |= {"batch_id": row["id"]}
    headers = {
        "nobody": {},
        "expert": expert,
        "publisher": await manager.token(Scope.PUBLISH, name="publisher"),
        "operator": await manager.token(Scope.OPERATE, name="operator"),
        "worker": machine.headers,
    }
    clients = {name: caller_of(manager.app, of) for name, of in headers.items()}
    await fuzz_all(manager.app, clients, ids, seconds)


async def fuzz_worker(folder: Path, seconds: float) -> None:
    async with open_worker(folder) as work:
        app = worker_app(work)
        token = {"Authorization": f"Bearer {work.local_token}"}
        await fuzz_all(app, {"nobody": caller_of(app, {}), "owner": caller_of(app, token)}, {}, seconds)


def caller_of(app: Any, headers: Mapping[str, str]) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers)


async def test_expert_answers_generated_requests_as_its_contract_says(everything: World) -> None:
    await fuzz_expert(everything, SECONDS * EXPERT)


async def test_manager_answers_generated_requests_as_its_contract_says(manager: Manager) -> None:
    await fuzz_manager(manager, SECONDS * MANAGER)


async def test_worker_answers_generated_requests_as_its_contract_says(tmp_path: Path) -> None:
    await fuzz_worker(tmp_path, SECONDS * WORKER)


@pytest.mark.slow
@pytest.mark.timeout(SLOW_SECONDS * 2 + 600)
async def test_contracts_hold_for_ten_minutes(everything: World, manager: Manager, tmp_path: Path) -> None:
    await fuzz_expert(everything, SLOW_SECONDS * EXPERT)
    await fuzz_manager(manager, SLOW_SECONDS * MANAGER)
    await fuzz_worker(tmp_path, SLOW_SECONDS * WORKER)
