"""The status page says what the machine is and holds, and lets only its owner switch it."""

import asyncio

import httpx
import pytest

from ai_worker.app import create_app
from ai_worker.batches.models import Run
from ai_worker.leases.events import HeartbeatFailed, LeaseTaken
from ai_worker.leases.runs import Lease
from tests.support.make.ai_worker import open_worker
from trapper_kit.web.guards import unguarded_routes
from trapper_schemas.ids import uuid7


@pytest.fixture
async def work(tmp_path):
    async with open_worker(tmp_path) as one:
        yield one


@pytest.fixture
async def page(work):
    transport = httpx.ASGITransport(create_app(work))
    async with httpx.AsyncClient(transport=transport, base_url="http://worker") as client:
        yield client


def owner(work):
    return {"Authorization": f"Bearer {work.local_token}"}


async def test_every_route_is_guarded_or_public(work):
    assert unguarded_routes(create_app(work)) == []


async def test_it_lives_before_it_is_ready(page, work):
    assert (await page.get("/healthz")).status_code == 200
    assert (await page.get("/readyz")).status_code == 503
    work.devices.ready = True
    ready = await page.get("/readyz")
    assert ready.json() == {"status": "ready", "runtime": "onnx-cpu", "manager_reached": True}


async def test_a_worker_that_was_sent_away_says_so(page, work):
    work.devices.ready = True
    work.handle(HeartbeatFailed(1, unauthorized=True))
    answer = await page.get("/readyz")
    assert answer.status_code == 503
    assert "enrol" in answer.json()["detail"]


async def test_what_is_in_hand_is_listed_without_secrets(page, work):
    run = Run(id=uuid7(), batch_id=uuid7(), job_id=uuid7(), attempt=2, total=5, lease={"token": "lease-secret"})
    async with work.db() as db:
        db.add(run)
    work.runs.get(run.id).done = 3
    lease = Lease(run.id, run.batch_id, run.attempt, "lease-secret", run.total, work.monotonic() + 60)
    work.handle(LeaseTaken(lease))
    answer = await page.get("/work")
    (listed,) = answer.json()["runs"]
    assert (listed["batch_id"], listed["state"], listed["done"], listed["total"]) == (str(run.batch_id), "leased", 3, 5)
    assert 0 < listed["lease_seconds_left"] <= 60
    assert "lease-secret" not in answer.text


async def test_the_machine_describes_itself(page, work):
    info = (await page.get("/info")).json()
    assert info["worker_id"] == str(work.worker_id)
    assert info["runtime"] == "onnx-cpu"
    assert info["models_on_disk"] == []
    assert work.local_token not in str(info)


async def test_only_whoever_reads_the_state_folder_may_switch(page, work):
    for path in ("/drain", "/pause", "/resume"):
        assert (await page.post(path)).status_code == 401
        assert (await page.post(path, headers={"Authorization": "Bearer guess"})).status_code == 401
    assert work.state.closed(0.0) is None


async def test_drain_and_pause_close_the_claims_and_resume_opens_them_again(page, work):
    assert (await page.post("/pause", headers=owner(work))).json() == {"closed_because": "paused"}
    assert (await page.post("/drain", headers=owner(work))).json() == {"closed_because": "draining"}
    sent = work.wakeups.event("batches.claim")
    assert (await page.post("/resume", headers=owner(work))).json() == {"closed_because": None}
    await asyncio.wait_for(sent.wait(), 1)


async def test_metrics_are_served(page):
    answer = await page.get("/metrics")
    assert "trapper_pictures_total" in answer.text
    assert "trapper_results_waiting" in answer.text
